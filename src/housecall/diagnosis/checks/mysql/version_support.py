"""Whether the server's release series still gets fixes, and how far its own release is behind.

Why it matters: releases of a series bring bug and security fixes; after the end of its series a server gets none.
How to fix: install the newest release of the series and restart; before its end, upgrade to the next long-term series.
Cannot see: releases after the date of the table below, so a server that is newer than the table, or of a series whose
last release is not in it, is taken as current.
Long-term series are listed apart: MariaDB 10.11 is one, maintained to February 2028.
Source: MySQL: Oracle Lifetime Support Policy and the MySQL manual, "MySQL Releases: Innovation and LTS"; MariaDB:
mariadb.org/about, "Maintenance policy"; dates and last releases as endoflife.date had them on 2026-05-25.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Flavour
from housecall.wording import Say, Value

TABLE_DATE = date(2026, 5, 25)
END_OF_SUPPORT: Mapping[Flavour, Mapping[str, date]] = {
    "mysql": {
        "8.0": date(2026, 4, 30), "8.1": date(2023, 10, 25), "8.2": date(2023, 12, 14), "8.3": date(2024, 4, 10),
        "8.4": date(2032, 4, 30), "9.0": date(2024, 10, 15), "9.1": date(2025, 1, 21), "9.2": date(2025, 4, 15),
        "9.3": date(2025, 7, 22), "9.4": date(2025, 10, 21), "9.5": date(2026, 1, 20), "9.6": date(2026, 4, 21),
        "9.7": date(2034, 4, 21),
    },
    "mariadb": {
        "10.6": date(2026, 7, 6), "10.7": date(2023, 2, 9), "10.8": date(2023, 5, 20), "10.9": date(2023, 8, 22),
        "10.10": date(2023, 11, 17), "10.11": date(2028, 2, 16), "11.0": date(2024, 6, 6), "11.1": date(2024, 8, 21),
        "11.2": date(2024, 11, 21), "11.3": date(2024, 5, 29), "11.4": date(2029, 5, 29), "11.5": date(2024, 11, 21),
        "11.6": date(2025, 2, 13), "11.7": date(2025, 5, 12), "11.8": date(2028, 6, 4),
        "12.0": date(2025, 11, 18), "12.1": date(2026, 2, 13), "12.2": date(2026, 5, 13), "12.3": date(2029, 6, 30),
    },
}  # fmt: skip
LAST_RELEASE: Mapping[Flavour, Mapping[str, int]] = {
    "mysql": {"8.4": 8},
    "mariadb": {"11.8": 6},
}

CHECK = Check(
    id="mysql.version_support",
    item="instance_info",
    severity=Severity.NOTICE,
    title=Say(en="Server version behind or out of support", zh="服务器版本落后或已停止支持"),
    thresholds=[
        Threshold("notice_days", 180, "half a year is what the test and the upgrade of a large server take"),
    ],
)
_ENDED = Say(
    en="{version}: fixes for the {series} series ended on {day}; none will come any more.",
    zh="{version}：{series} 系列已于 {day} 停止维护，不再有任何修复。",
)
_ENDS = Say(
    en="{version}: fixes for the {series} series end on {day}, in {days:count} days.",
    zh="{version}：{series} 系列将于 {day} 停止维护，还剩 {days:count} 天。",
)
_BEHIND = Say(
    en="{version} is {behind:count} releases behind {series}.{last} (known as of {day}).",
    zh="{version} 落后 {behind:count} 个小版本，已知最新为 {series}.{last}（截至 {day}）。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    version = now.facts.version
    series, release = f"{version.number // 10_000}.{version.number // 100 % 100}", version.number % 100
    evidence = (Evidence("version", version.text, "text", "server facts"),)
    end = END_OF_SUPPORT.get(version.flavour, {}).get(series)
    if end is not None:
        days = (end - now.taken_at.date()).days
        told: dict[str, Value] = {"version": version.text, "series": series, "day": end.isoformat()}
        if days < 0:
            yield Finding(CHECK.id, CHECK.item, Severity.NOTICE, version.text, "server", _ENDED(**told), evidence,
                          details={"kind": "ended", "days": days}, identity="support")  # fmt: skip
        elif days <= limits["notice_days"]:
            yield Finding(CHECK.id, CHECK.item, Severity.INFO, version.text, "server", _ENDS(**told, days=days),
                          evidence, details={"kind": "ends", "days": days}, identity="support")  # fmt: skip
    last = LAST_RELEASE.get(version.flavour, {}).get(series)
    if last is not None and release < last:
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, version.text, "server",
            _BEHIND(version=version.text, behind=last - release, series=series, last=last, day=TABLE_DATE.isoformat()),
            evidence, details={"kind": "behind", "behind": last - release}, identity="release",
        )  # fmt: skip
