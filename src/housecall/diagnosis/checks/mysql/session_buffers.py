"""Buffers of each session that were set far above their default for everybody.

Why it matters: a session may take each of them, the join buffer once for every join; memory goes up with the sessions,
and a large buffer is slower to allocate than a small one for the small sorts that most are.
How to fix: the default for everybody, and SET SESSION where one report needs more.
Source: MySQL manual, sort_buffer_size ("there are thresholds of 256KB and 2MB where larger values may significantly
slow down memory allocation"); pt-variable-advisor.
"""

from collections.abc import Iterator, Mapping

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import KB, MB, number, settings
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.session_buffers",
    item="resource_usage",
    severity=Severity.NOTICE,
    title=Say(en="Large buffers for every session", zh="会话级缓冲区过大"),
    thresholds=[
        Threshold("large_bytes", 16 * MB, "eight times the larger default, for each session"),
    ],
)
DEFAULTS: Mapping[str, int] = {
    "sort_buffer_size": 256 * KB, "join_buffer_size": 256 * KB, "read_buffer_size": 128 * KB,
    "read_rnd_buffer_size": 256 * KB,
}  # fmt: skip
_LARGE = Say(
    en="{name} is {value:bytes} for every session; the default is {default:bytes}.",
    zh="{name} 对每个会话都是 {value:bytes}，默认值为 {default:bytes}。",
)


def default_of(now: Snapshot, name: str) -> int:
    return 2 * MB if name == "sort_buffer_size" and now.facts.version.flavour == "mariadb" else DEFAULTS[name]


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for name in DEFAULTS:
        value, default = number(now, name), default_of(now, name)
        if value is not None and value >= limits["large_bytes"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, name, "setting",
                _LARGE(name=name, value=value, default=default),
                settings(now, **{name: "bytes"}, max_connections="count"),
                details={"name": name, "value": value, "default": default},
            )  # fmt: skip
