"""The instances that one caller may see: a directory filtered by policies, and leave to use what is seen.

An instance is there for a caller when he may `rds:DescribeDBInstances` on it, which is
`acs:rds:<region>:<account>:dbinstance/<id>`; else it is not found, exactly as if it did not exist. What he may do with
one that he sees is asked for each use, by the action of the tool. Decisions are made anew on every call, so a policy
that changes during a long answer is heeded.
"""

from collections.abc import Mapping
from typing import Any

from housecall.access.accounts import Caller
from housecall.access.audit import AuditEntry, AuditLog
from housecall.access.policy import instance_resource
from housecall.access.rights import Rights
from housecall.engines.instance import Instance, InstanceDirectory
from housecall.errors import NotAllowed
from housecall.instances.directory import not_found
from housecall.turn import Turn

SEE = "rds:DescribeDBInstances"
Conditions = Mapping[str, str]


class VisibleInstances:
    """An InstanceDirectory for one caller. `conditions` are what his request said of itself (`acs:SourceIp`, …)."""

    def __init__(
        self,
        instances: InstanceDirectory,
        rights: Rights,
        audit: AuditLog,
        caller: Caller,
        conditions: Conditions | None = None,
        run_id: str = "",
    ) -> None:
        self._instances = instances
        self._rights = rights
        self._audit = audit
        self._caller = caller
        self._conditions = dict(conditions or {})
        self._run_id = run_id

    async def list_instances(self, account_id: str) -> tuple[Instance, ...]:
        """Those that the caller may see, sorted by id; none of another account."""
        if account_id != self._caller.account_id:
            return ()
        known = await self._instances.list_instances(account_id)
        return tuple([each for each in known if await self._may(SEE, each)])

    async def get_instance(self, account_id: str, instance_id: str) -> Instance:
        """Raises NotFound (InstanceNotFound), naming no instance that the caller may not see."""
        visible = await self.list_instances(account_id)
        for each in visible:
            if each.id == instance_id:
                return each
        raise not_found(instance_id, [each.id for each in visible])

    async def use(self, instance: Instance, action: str, statement_hash: str | None = None) -> None:
        """Leave to do something with an instance that was got here; written to the audit log either way.

        Raises NotAllowed (NoPermission).
        """
        resource = instance_resource(instance.region, self._caller.account_id, instance.id)
        ruling = await self._rights.decide(self._caller, action, resource, self._conditions)
        denial = None if ruling.allowed else self._denial(instance, action)
        self._audit.record(
            AuditEntry(
                operation=action.partition(":")[2],
                action=action,
                decision="allowed" if ruling.allowed else "denied",
                source="agent",
                account_id=self._caller.account_id,
                principal=ruling.principal.arn,
                user_id=self._caller.user_id,
                access_key_id=self._caller.access_key_id,
                source_address=self._conditions.get("acs:SourceIp", ""),
                request_id=self._run_id,
                instance_id=instance.id,
                statement_hash=statement_hash,
                result="ok" if denial is None else denial.wire_code,
                status=0 if denial is None else denial.http_status,
            )
        )
        if denial is not None:
            await self._audit.flush()
            raise denial

    async def _may(self, action: str, instance: Instance) -> bool:
        resource = instance_resource(instance.region, self._caller.account_id, instance.id)
        return (await self._rights.decide(self._caller, action, resource, self._conditions)).allowed

    def _denial(self, instance: Instance, action: str) -> NotAllowed:
        return NotAllowed(
            f"Instance {instance.id!r}: you are not authorized to do this; it needs {action} on"
            f" acs:rds:*:*:dbinstance/{instance.id}. Ask the administrator of your account for it."
        )


def caller_to_turn(caller: Caller, conditions: Conditions) -> dict[str, Any]:
    """What a run keeps of its caller beside his ids (`Turn.inputs["caller"]`), since it may outlive the request."""
    return {
        "access_key_id": caller.access_key_id,
        "session_id": caller.session_id,
        "conditions": dict(conditions),
    }


def caller_of_turn(turn: Turn) -> tuple[Caller, Conditions]:
    """Who asked, and under which conditions. A turn that the command line began has neither key nor conditions."""
    kept = turn.inputs.get("caller") or {}
    caller = Caller(turn.account_id, turn.user_id, kept.get("access_key_id", ""), kept.get("session_id", ""))
    return caller, kept.get("conditions", {})
