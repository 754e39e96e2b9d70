"""Logical subscriptions that are enabled but have no worker, or were disabled.

Why it matters: the subscriber's tables stand still, and the publisher's slot keeps WAL meanwhile.
How to fix: the subscriber's log names the error (often a conflict with a row that exists); mend it, or ALTER
SUBSCRIPTION ... SKIP.
Cannot see: the error itself; workers that fail and restart between two looks. Before PostgreSQL 14 the catalogue of
subscriptions, which holds passwords, is closed to all but superusers; a grant on the harmless columns opens it.
Source: common practice; PostgreSQL manual, "Logical Replication Conflicts".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.replication import Subscription
from housecall.wording import Say

CHECK = Check(
    id="postgresql.subscriptions_down",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.WARNING,
    title=Say("Subscriptions that do not run", "未运行的逻辑订阅"),
)

_MAY_NOT = Say("role '{user}' may not read pg_subscription", "角色 '{user}' 无权读取 pg_subscription")
_COLUMNS = "oid, subdbid, subname, subenabled, subslotname"
_DOWN = Say("Subscription '{name}' is enabled but no worker runs for it.", "订阅 '{name}' 已启用但没有 worker 在运行。")
_DISABLED = Say("Subscription '{name}' is disabled.", "订阅 '{name}' 已被禁用。")


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding | NotEvaluated]:
    found = now.get(Subscription)
    if isinstance(found, Unavailable) and found.kind == "privilege":
        grant = f"GRANT SELECT ({_COLUMNS}) ON pg_catalog.pg_subscription TO {quote_identifier(now.facts.user)};"
        yield NotEvaluated(CHECK.id, _MAY_NOT(user=now.facts.user), grant)
        return
    for subscription in now.rows(Subscription):
        if subscription.enabled and subscription.running:
            continue
        say = _DOWN if subscription.enabled else _DISABLED
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=Severity.WARNING if subscription.enabled else Severity.NOTICE,
            object=subscription.name,
            object_kind="replica",
            message=say(name=subscription.name),
            evidence=(
                Evidence("enabled", subscription.enabled, "flag", "subscriptions"),
                Evidence("running", subscription.running, "flag", "subscriptions"),
                Evidence("slot", subscription.slot_name, "text", "subscriptions"),
            ),
            details={"name": subscription.name, "enabled": subscription.enabled, "slot": subscription.slot_name},
        )
