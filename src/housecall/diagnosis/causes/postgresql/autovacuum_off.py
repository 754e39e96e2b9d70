"""Autovacuum, or the counters it needs, is switched off for the whole server."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import fingerprints
from housecall.diagnosis.causes.postgresql._vacuum import SETTING_LOCK, vacuum_table
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="autovacuum_off",
    title=Say("Autovacuum is off", "autovacuum 已关闭"),
    checks=("postgresql.autovacuum_off", "postgresql.dead_tuples"),
)

_SUMMARY = Say(
    "{setting} is off, so nothing removes dead rows or refreshes statistics by itself.",
    "{setting} 为 off，死元组无法自动清理，统计信息也不会自动更新。",
)
_TABLES = Say(
    "{tables:count} table{tables:|s} {tables:holds|hold} more dead rows than autovacuum's threshold.",
    "{tables:count} 张表的死元组超过 autovacuum 阈值。",
)
_WORST = Say(
    "The worst, {table}, has {dead:count} dead row{dead:|s} beside {live:count} live ones.",
    "最严重的 {table} 有 {dead:count} 个死元组，活元组 {live:count} 个。",
)
_ON = Say("Switch {setting} on", "开启 {setting}")
_VERIFY = Say(
    "{setting} is on, and last_autovacuum fills in within minutes.",
    "{setting} 为 on，几分钟内 last_autovacuum 开始有值。",
)
_CAUTION = Say(
    "It will start on all late tables at once; its cost limit keeps it slow.",
    "它会立即处理所有积压的表；成本限制会控制其速度。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.autovacuum_off"):
        setting = finding.details["setting"]
        dead = [each for each in found.of("postgresql.dead_tuples") if each.details["enabled"]]
        bloat = found.of("postgresql.table_bloat")
        because: list[Message] = [_TABLES(tables=finding.details["past_threshold"])]
        if dead:
            worst = dead[0].details
            because.append(_WORST(table=dead[0].object, dead=worst["dead_rows"], live=worst["live_rows"]))
        yield Cause(
            id=CAUSE.id,
            object=setting,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.95,
            summary=_SUMMARY(setting=setting),
            because=tuple(because),
            evidence=finding.evidence,
            remedies=(_switch_on(finding), *(_vacuum(each) for each in dead[:3])),
            rests_on=(finding.fingerprint,),
            # Autovacuum analyses too: with it off, old statistics are a consequence.
            absorbs=fingerprints([*dead, *bloat, *found.of("postgresql.stale_statistics")]),
            impact=0.3 if dead else 0.0,
        )


def _switch_on(finding: Finding) -> Remedy:
    setting = finding.details["setting"]
    return Remedy(
        title=_ON(setting=setting),
        statements=(f"ALTER SYSTEM SET {setting} = on", "SELECT pg_catalog.pg_reload_conf()"),
        lock=SETTING_LOCK(),
        risk="low",
        when="now",
        rollback=(f"ALTER SYSTEM SET {setting} = off", "SELECT pg_catalog.pg_reload_conf()"),
        verify=_VERIFY(setting=setting),
        verify_statement=f"SHOW {setting}",
        caution=_CAUTION(),
    )


def _vacuum(finding: Finding) -> Remedy:
    return vacuum_table(finding.details["schema"], finding.details["table"])
