"""An account of MySQL or MariaDB has used up the connections that it may have; the server has others free."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, fingerprints
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="connection_saturation",
    title=Say("Connections of one account used up", "单个账号的连接耗尽"),
    checks=("mysql.user_connection_limit", "mysql.aborted_connections", "mysql.connection_churn"),
)
_REFUSED = Say(
    "{refused:count} logins were refused for such a limit since the start.",
    "启动以来因此类限制有 {refused:count} 次登录被拒绝。",
)
_NOT_THE_SERVER = Say(
    "It is the limit of an account and not max_connections: raising that changes nothing.",
    "受限的是账号而不是 max_connections，提高后者没有作用。",
)
_LOOK = Say(
    "See what the account's connections do (most asleep: a pool that is too large, or connections that are never given"
    " back), and size the pools of all its instances together below the limit",
    "查看该账号的连接在做什么（大多空闲说明连接池过大或连接未归还），并使所有实例的连接池合计低于上限",
)
_RAISE = Say(
    "If the account truly needs more: ALTER USER … WITH MAX_USER_CONNECTIONS for it alone, and not the limit of all",
    "如果该账号确实需要更多连接：只为它执行 ALTER USER … WITH MAX_USER_CONNECTIONS，不要放开所有账号的限制",
)
_NO_MORE = Say("no login is refused any more", "不再有登录被拒绝")
_BY_USER = (
    "SELECT USER, COMMAND, COUNT(*), MAX(TIME) FROM information_schema.PROCESSLIST GROUP BY USER, COMMAND"
    " ORDER BY COUNT(*) DESC;"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.user_connection_limit"):
        times = finding.details["refused"]
        aborted = [each for each in found.of("mysql.aborted_connections") if each.object == "Aborted_connects"]
        again = (
            found.of("mysql.connection_churn") if times or finding.details["is_full"] else ()
        )  # who is refused tries again
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind=finding.object_kind,
            severity=finding.severity,
            confidence=0.85 if finding.details["is_full"] else 0.7,
            summary=finding.message,
            because=(*((_REFUSED(refused=times),) if times and finding.details["is_full"] else ()), _NOT_THE_SERVER()),
            evidence=finding.evidence,
            remedies=(
                application_change(_LOOK(), _NO_MORE(), _BY_USER), application_change(_RAISE(), _NO_MORE(), _BY_USER)
            ),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints([*aborted, *again]),
        )  # fmt: skip
