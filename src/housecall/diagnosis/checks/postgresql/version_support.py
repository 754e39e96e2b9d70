"""Whether the server's major version is still supported and its minor version current.

Why it matters: minor releases are bug and security fixes only; after its last one a major version gets none.
How to fix: install the newest minor version and restart; before the end of support, upgrade to a newer major version.
Cannot see: minor releases after the date of the table below, so a server that is newer than the table is taken as
current.
Source: postgresql.org, "Versioning Policy", as of 2026-05-14.
"""

from collections.abc import Iterator
from datetime import date

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say, Value

TABLE_DATE = date(2026, 5, 14)
"""The release day of the newest minor versions below."""
LAST_MINOR = {13: 23, 14: 23, 15: 18, 16: 14, 17: 10, 18: 4}
END_OF_SUPPORT = {
    13: date(2025, 11, 13),
    14: date(2026, 11, 12),
    15: date(2027, 11, 11),
    16: date(2028, 11, 9),
    17: date(2029, 11, 8),
    18: date(2030, 11, 14),
}

CHECK = Check(
    id="postgresql.version_support",
    item="instance_info",
    severity=Severity.WARNING,
    title=Say(en="Server version behind or out of support", zh="服务器版本落后或已停止支持"),
    thresholds=[
        Threshold("notice_days", 180, "half a year is what the test and the upgrade of a large cluster take"),
    ],
)
_ENDED = Say(
    en="{version}: support of major version {major} ended on {day}; no fix will come any more.",
    zh="{version}：主版本 {major} 已于 {day} 停止支持，不再有任何修复。",
)
_ENDS = Say(
    en="{version}: support of major version {major} ends on {day}, in {days:count} days.",
    zh="{version}：主版本 {major} 将于 {day} 停止支持，还剩 {days:count} 天。",
)
_BEHIND = Say(
    en="{version} is {behind:count} minor releases behind {major}.{last} (known as of {day}).",
    zh="{version} 落后 {behind:count} 个小版本，已知最新为 {major}.{last}（截至 {day}）。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    version, major = now.facts.version, now.facts.version.major
    minor = version.number % 10000
    evidence = (Evidence("version", version.text, "text", "server facts"),)
    end, last = END_OF_SUPPORT.get(major), LAST_MINOR.get(major)
    if end is not None:
        days = (end - now.taken_at.date()).days
        values: dict[str, Value] = {"version": version.text, "major": major, "day": end.isoformat()}
        if days < 0:
            yield Finding(CHECK.id, CHECK.item, Severity.NOTICE, version.text, "server", _ENDED(**values), evidence,
                          details={"kind": "ended", "days": days}, identity="support")  # fmt: skip
        elif days <= limits["notice_days"]:
            yield Finding(CHECK.id, CHECK.item, Severity.INFO, version.text, "server", _ENDS(**values, days=days),
            evidence,
                          details={"kind": "ends", "days": days}, identity="support")  # fmt: skip
    if last is not None and minor < last:
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, version.text, "server",
            _BEHIND(version=version.text, behind=last - minor, major=major, last=last, day=TABLE_DATE.isoformat()),
            evidence,
            details={"kind": "behind", "behind": last - minor}, identity="minor",
        )  # fmt: skip
