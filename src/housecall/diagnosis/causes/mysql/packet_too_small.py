"""Statements or rows are larger than MySQL or MariaDB takes in one packet, so their connections are cut."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, fingerprints, set_global
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="packet_too_small",
    title=Say("max_allowed_packet is too small", "max_allowed_packet 过小"),
    checks=("mysql.packet_size",),
)
_ABORTED = Say(
    "{aborted:count} sessions ended without a goodbye since the start, {window:count} while we looked.",
    "启动以来有 {aborted:count} 个会话异常中断，检查期间 {window:count} 个。",
)
_RAISE = Say("Take packets of 64 MB, for sessions that begin from now on", "对新会话允许 64 MB 的数据包")
_NO_MORE = Say("no more connections are cut by large statements", "不再有连接因语句过大而中断")
_BATCHES = Say(
    "Send fewer rows in one INSERT and shorter IN lists, and set max_allowed_packet of the client alike",
    "减少单条 INSERT 的行数和 IN 列表长度，并同步调整客户端的 max_allowed_packet",
)
CUT_SHARE = 0.3
"""Of all connections: with so many cut, new ones are opened because old ones were (our proposal)."""
_SIZE = 64 * 1024 * 1024


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.packet_size"):
        details = finding.details
        aborted = [each for each in found.of("mysql.aborted_connections") if each.object == "Aborted_clients"]
        churn = found.of("mysql.connection_churn") if details["share"] >= CUT_SHARE else ()
        raised = (
            set_global(
                _RAISE(), "max_allowed_packet", str(_SIZE), f"{details['size']:.0f}", now.facts.version.flavour,
                verify=_NO_MORE(),
            ),
        )  # fmt: skip
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.95 if details["seen"] else 0.6,
            summary=finding.message,
            because=(_ABORTED(aborted=details["aborted"], window=details["window"]),),
            evidence=finding.evidence,
            remedies=(
                *(raised if details["size"] < _SIZE else ()),
                application_change(_BATCHES(), _NO_MORE(), "SHOW GLOBAL STATUS LIKE 'Aborted_clients';"),
            ),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints([*aborted, *churn]),
        )
