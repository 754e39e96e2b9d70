"""MySQL or MariaDB has promised its sessions more memory than the machine can give."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, advice, set_variables
from housecall.diagnosis.checks.mysql.session_buffers import DEFAULTS, default_of
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="memory_overcommitted",
    title=Say(en="More memory promised than there is", zh="内存承诺过量"),
    checks=("mysql.memory_budget", "mysql.session_buffers"),
)
_EACH = Say(
    en="Each of {allowed:count} sessions may take {session:bytes}; at most {reached:count} were connected so far.",
    zh="{allowed:count} 个会话每个可占用 {session:bytes}；迄今最多同时连接 {reached:count} 个。",
)
_CAUTION = Say(
    en="Sessions that are connected keep their buffers. A report that needs more asks with SET SESSION.",
    zh="已连接的会话保持原有缓冲区。需要更大缓冲区的报表可用 SET SESSION。",
)
_POOL = Say(
    en="Put a connection pool in front, so that fewer sessions are needed, and lower max_connections then",
    zh="在前端使用连接池减少会话数，再调低 max_connections",
)
_VERIFY = Say(en="fewer sessions are connected at the busiest hour", zh="高峰时连接数下降")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.memory_budget"):
        details = finding.details
        buffers = found.of("mysql.session_buffers")
        yield Cause(
            id=CAUSE.id,
            object="max_connections",
            object_kind="setting",
            severity=finding.severity,
            confidence=0.8 if details["memory"] else 0.4,
            summary=finding.message,
            because=(_EACH(allowed=details["allowed"], session=details["session"], reached=details["reached"]),),
            evidence=finding.evidence,
            remedies=tuple(_remedies(now, finding)),
            rests_on=(finding.fingerprint, *(each.fingerprint for each in buffers)),
        )


def _remedies(now: Snapshot, finding: Finding) -> Iterator[Remedy]:
    sizes = finding.details["sizes"]
    changes = [
        Change(name, str(default_of(now, name)), str(int(sizes[name])))
        for name in DEFAULTS
        if sizes.get(name) and sizes[name] > 2 * default_of(now, name)
    ]
    if changes:
        yield set_variables(now.facts.version, changes, caution=_CAUTION())
    yield advice(_POOL(), _VERIFY(), verify_statement="SHOW GLOBAL STATUS LIKE 'Max_used_connections%';")
