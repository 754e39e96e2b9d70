"""The optimizer of MySQL or MariaDB works from statistics that are older than the data.

Absorbs the costly statements of the table: while the optimizer is misled, their plans prove nothing. An index that only
the text of a statement speaks for is absorbed too.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import ANALYZE_LOCK, MOMENT, ONLINE, WAIT_SHORTLY
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import qualified, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="stale_statistics",
    title=Say(en="Statistics older than the data", zh="统计信息过期"),
    checks=("mysql.stale_statistics", "mysql.top_statements", "mysql.missing_index"),
)
_SUMMARY = Say(
    en="The optimizer's statistics of {table} are stale: they tell of {believed:count} row{believed:|s}, the table has"
    " about {rows:count}.",
    zh="表 {table} 的统计信息已过期：记录为 {believed:count} 行，实际约 {rows:count} 行。",
)
_AGE = Say(
    en="They are {age:duration} old; {changes:count} row{changes:|s} changed since.",
    zh="统计信息已有 {age:duration}，此后有 {changes:count} 行变更。",
)
_OFF = Say(
    en="Their renewal by InnoDB is switched off (STATS_AUTO_RECALC=0), so they will not heal by themselves.",
    zh="InnoDB 的自动更新已关闭（STATS_AUTO_RECALC=0），不会自行恢复。",
)
_ON = Say(
    en="InnoDB renews them by itself when a tenth of the rows changed, which it has not done here yet.",
    zh="行变更达到十分之一时 InnoDB 会自动更新，但此处尚未执行。",
)
_SHARE = Say(
    en="Statements on this table took {share:percent} of the time of all statements.",
    zh="涉及该表的语句占全部语句耗时的 {share:percent}。",
)
_ANALYZE = Say(en="Analyse {table}", zh="对 {table} 执行 ANALYZE TABLE")
_NO_UNDO = Say(en="Nothing to undo: statistics are renewed.", zh="无需回退：只是更新统计信息。")
_FRESH = Say(en="the rows in the statistics are about those of the table", zh="统计信息中的行数与表的行数相近")
_RENEW = Say(
    en="Let InnoDB renew the statistics of {table} by itself again", zh="重新让 InnoDB 自动更新 {table} 的统计信息"
)
_RENEW_ALL = Say(en="Let InnoDB renew statistics by itself again", zh="重新让 InnoDB 自动更新统计信息")
_RENEWED = Say(en="the option is 1 or DEFAULT", zh="该选项为 1 或 DEFAULT")
_NO_LOCK = Say(en="none", zh="无锁")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.stale_statistics"):
        own = [each for each in found.of("mysql.top_statements") if finding.object in each.details["tables"]]
        guesses = [
            each
            for each in found.of("mysql.missing_index")
            if not each.details["is_supported"]
            and (each.details["schema"], each.details["table"]) == (finding.details["schema"], finding.details["table"])
        ]
        yield _cause(finding, own, guesses, now)


def _cause(finding: Finding, statements: list[Finding], guesses: list[Finding], now: Snapshot) -> Cause:
    details = finding.details
    is_grave = finding.severity is Severity.WARNING
    share = min(sum(each.details["share"] for each in statements), 1.0)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="table",
        severity=finding.severity,
        confidence=0.9 if is_grave else 0.6,
        summary=_SUMMARY(table=finding.object, believed=details["believed"], rows=details["live_rows"]),
        because=tuple(_because(finding, share)),
        evidence=finding.evidence,
        remedies=tuple(_remedies(finding, now)),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in (*guesses, *(statements if is_grave else ()))),
        impact=share if is_grave else 0.0,
    )


def _because(finding: Finding, share: float) -> Iterator[Message]:
    details = finding.details
    yield _AGE(age=details["age_seconds"], changes=details["changes"])
    yield _ON() if details["is_recalculated"] else _OFF()
    if share > 0:
        yield _SHARE(share=share)


def _remedies(finding: Finding, now: Snapshot) -> Iterator[Remedy]:
    details = finding.details
    target = qualified(details["schema"], details["table"])
    yield Remedy(
        title=_ANALYZE(table=target), statements=(f"ANALYZE TABLE {target};",), lock=ANALYZE_LOCK(), risk="low",
        when="now", rollback=(), rollback_note=_NO_UNDO(), verify=_FRESH(), duration=MOMENT(),
        verify_statement=(
            "SELECT n_rows, last_update FROM mysql.innodb_table_stats"
            f" WHERE database_name = {quote_literal(details['schema'])}"
            f" AND table_name = {quote_literal(details['table'])};"
        ),
        caution=WAIT_SHORTLY(),
    )  # fmt: skip
    if details["table_option"]:
        yield Remedy(
            title=_RENEW(table=target), statements=(f"ALTER TABLE {target} STATS_AUTO_RECALC = DEFAULT;",),
            lock=ONLINE(table=target), risk="low", when="now", duration=MOMENT(),
            rollback=(f"ALTER TABLE {target} STATS_AUTO_RECALC = 0;",), verify=_RENEWED(),
            verify_statement=f"SHOW CREATE TABLE {target};", caution=WAIT_SHORTLY(),
        )  # fmt: skip
    elif not details["is_recalculated"]:
        word = "GLOBAL" if now.facts.version.flavour == "mariadb" else "PERSIST"
        yield Remedy(
            title=_RENEW_ALL(), statements=(f"SET {word} innodb_stats_auto_recalc = ON;",), lock=_NO_LOCK(), risk="low",
            when="now", rollback=(f"SET {word} innodb_stats_auto_recalc = OFF;",), verify=_RENEWED(),
            verify_statement="SHOW GLOBAL VARIABLES LIKE 'innodb_stats_auto_recalc';",
        )  # fmt: skip
