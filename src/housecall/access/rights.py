"""What a caller may do: his policies from the store, evaluated for one request.

Parsed policies are kept by version, and the policies of a caller for five seconds: a change is heeded here at once and
by other processes within that time. A caller who is gone has no policies, so nothing is allowed to him. Policies that
cannot be read make a request fail rather than pass.
"""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import SecretStr
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.access.accounts import Caller
from housecall.access.builtin_policies import builtin_policies
from housecall.access.conditions import ContextValue
from housecall.access.names import root_arn, session_arn, user_arn
from housecall.access.policy import ALL_RESOURCES, AccessRequest, Decision, Layers, Policy, evaluate, parse_policy
from housecall.access.vault import Vault
from housecall.clock import Clock, utc_now
from housecall.errors import NotAllowed, RequestError, SetupError, StoreError
from housecall.store.database import Database
from housecall.store.tables import GroupMemberRow, PolicyAttachmentRow, PolicyRow, RoleRow, SessionRow, UserRow

CACHE_SECONDS = 5.0
CACHE_SIZE = 2_000
_DIAGNOSTIC = "diagnostic message"

PrincipalKind = Literal["RootUser", "SubUser", "AssumedRoleUser", "Unknown"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller with his name and his policies."""

    caller: Caller
    kind: PrincipalKind
    arn: str
    display_name: str
    layers: Layers


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision and what it was about."""

    principal: Principal
    request: AccessRequest
    decision: Decision

    @property
    def allowed(self) -> bool:
        return self.decision.allowed


class Rights:
    """Decides on requests."""

    def __init__(self, database: Database, vault: Vault, clock: Clock = utc_now) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._principals: dict[tuple[str, str, str], tuple[float, Principal]] = {}
        self._reading: dict[tuple[str, str, str], asyncio.Lock] = {}
        self._policies: dict[tuple[str, str, datetime], Policy] = {}

    async def principal(self, caller: Caller) -> Principal:
        """Who the caller is now; at most five seconds old. Raises StoreError."""
        key = (caller.account_id, caller.user_id, caller.session_id)
        kept = self._principals.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        async with self._reading.setdefault(key, asyncio.Lock()):  # of a crowd one reads, and the others take it
            try:
                return await self._principal(key, caller)
            finally:
                self._reading.pop(key, None)

    async def _principal(self, key: tuple[str, str, str], caller: Caller) -> Principal:
        kept = self._principals.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        async with self._database.begin("reading policies") as connection:
            found = await self._read(connection, caller)
        if len(self._principals) >= CACHE_SIZE:
            self._principals.clear()
        self._principals[key] = (time.monotonic() + CACHE_SECONDS, found)
        return found

    def forget(self) -> None:
        """Read everything anew: policies, users or roles were changed here."""
        self._principals.clear()

    async def decide(
        self,
        caller: Caller,
        action: str,
        resource: str = ALL_RESOURCES,
        context: Mapping[str, ContextValue] | None = None,
    ) -> Ruling:
        """Raises StoreError."""
        principal = await self.principal(caller)
        known = {"acs:CurrentTime": self._clock().isoformat(), "acs:PrincipalARN": principal.arn}
        request = AccessRequest(action, resource, {**(context or {}), **known})
        return Ruling(principal, request, evaluate(request, principal.layers))

    async def require(
        self,
        caller: Caller,
        action: str,
        resource: str = ALL_RESOURCES,
        context: Mapping[str, ContextValue] | None = None,
        *,
        request_id: str = "",
    ) -> Ruling:
        """Raises NotAllowed (NoPermission) with the AccessDeniedDetail."""
        ruling = await self.decide(caller, action, resource, context)
        if not ruling.allowed:
            raise self.denial(ruling, request_id)
        return ruling

    def denial(self, ruling: Ruling, request_id: str = "") -> NotAllowed:
        """The error for a request that was not allowed. Which policy said so only the operator can read in it."""
        decision, principal = ruling.decision, ruling.principal
        detail = {
            "AuthAction": ruling.request.action,
            "AuthPrincipalType": principal.kind,
            "AuthPrincipalOwnerId": principal.caller.account_id,
            "AuthPrincipalDisplayName": principal.display_name,
            "NoPermissionType": decision.no_permission_type or "ImplicitDeny",
            "PolicyType": decision.policy_type or "AccountLevelIdentityBasedPolicy",
            "EncodedDiagnosticMessage": self._encode(ruling, request_id),
        }
        return NotAllowed(
            f"You are not authorized to do this action: {ruling.request.action} is not allowed to"
            f" {principal.display_name}. Ask the administrator of your account for a policy that allows it.",
            detail=detail,
        )

    def decode(self, message: str, *, account_id: str | None = None) -> dict[str, Any]:
        """What an EncodedDiagnosticMessage holds; with `account_id` only one about this account.

        Raises RequestError for what this installation did not write, or wrote for somebody else.
        """
        told: dict[str, Any] = {}
        with contextlib.suppress(ValueError, SetupError):
            sealed = base64.urlsafe_b64decode(message.encode("ascii"))
            told = json.loads(self._vault.open(sealed, _DIAGNOSTIC).get_secret_value())
        if not told or account_id not in (None, told["account_id"]):
            raise RequestError(
                "The provided parameter is invalid. EncodedDiagnosticMessage is none of this installation's."
            )
        return told

    def _encode(self, ruling: Ruling, request_id: str) -> str:
        told = {
            "request_id": request_id,
            "account_id": ruling.principal.caller.account_id,
            "principal": ruling.principal.arn,
            "action": ruling.request.action,
            "resource": ruling.request.resource,
            "context": dict(ruling.request.context),
            "decision": ruling.decision.effect,
            "policy_type": ruling.decision.policy_type,
            "policy": ruling.decision.policy,
            "statement": ruling.decision.statement,
        }
        return base64.urlsafe_b64encode(self._vault.seal(SecretStr(json.dumps(told)), _DIAGNOSTIC)).decode()

    async def _read(self, connection: AsyncConnection, caller: Caller) -> Principal:
        if caller.session_id:
            return await self._read_session(connection, caller)
        found = await connection.execute(
            select(UserRow.name, UserRow.is_root).where(
                UserRow.id == caller.user_id, UserRow.account_id == caller.account_id
            )
        )
        row = found.one_or_none()
        if row is None:
            return _nobody(caller)
        identity, control = await self._attached(connection, caller.account_id, "user", caller.user_id)
        layers = Layers(identity=identity, control=control, is_root=row.is_root)
        if row.is_root:
            return Principal(caller, "RootUser", root_arn(caller.account_id), "root", layers)
        return Principal(caller, "SubUser", user_arn(caller.account_id, row.name), caller.user_id, layers)

    async def _read_session(self, connection: AsyncConnection, caller: Caller) -> Principal:
        found = await connection.execute(
            select(SessionRow.name, SessionRow.policy, SessionRow.role_id, RoleRow.name.label("role"))
            .join(RoleRow, RoleRow.id == SessionRow.role_id)
            .where(SessionRow.id == caller.session_id, SessionRow.account_id == caller.account_id)
        )
        row = found.one_or_none()
        if row is None:
            return _nobody(caller)
        identity, control = await self._attached(connection, caller.account_id, "role", row.role_id)
        session = None if row.policy is None else (parse_policy(row.policy, "session policy"),)
        return Principal(
            caller,
            "AssumedRoleUser",
            session_arn(caller.account_id, row.role, row.name),
            f"{row.role}:{row.name}",
            Layers(identity=identity, session=session, control=control),
        )

    async def _attached(
        self, connection: AsyncConnection, account_id: str, kind: str, target: str
    ) -> tuple[tuple[Policy, ...], tuple[Policy, ...] | None]:
        """The identity policies of a user with those of his groups (or of a role), and the account's control layer."""
        groups = select(GroupMemberRow.group_name).where(
            GroupMemberRow.user_id == target, GroupMemberRow.account_id == account_id
        )
        mine = [
            and_(PolicyAttachmentRow.target_kind == kind, PolicyAttachmentRow.target == target),
            and_(PolicyAttachmentRow.target_kind == "account", PolicyAttachmentRow.target == account_id),
        ]
        if kind == "user":
            mine.append(and_(PolicyAttachmentRow.target_kind == "group", PolicyAttachmentRow.target.in_(groups)))
        its_policy = and_(
            PolicyRow.account_id == PolicyAttachmentRow.policy_account_id,
            PolicyRow.name == PolicyAttachmentRow.policy_name,
        )
        rows = (
            await connection.execute(
                select(PolicyAttachmentRow.__table__, PolicyRow.document, PolicyRow.updated_at)
                .outerjoin(PolicyRow, its_policy)
                .where(PolicyAttachmentRow.account_id == account_id, or_(*mine))
                .order_by(PolicyAttachmentRow.target_kind, PolicyAttachmentRow.policy_name)
            )
        ).all()
        identity = {_key(row): self._policy(row) for row in rows if row.target_kind != "account"}
        control = {_key(row): self._policy(row) for row in rows if row.target_kind == "account"}
        return tuple(identity.values()), tuple(control.values()) if control else None

    def _policy(self, row: Any) -> Policy:
        name = row.policy_name
        if not row.policy_account_id and name in builtin_policies():
            return builtin_policies()[name]
        if row.document is None:
            raise StoreError(f"Policy {name!r} is attached and not known; detach it, or make one of this name.")
        key = (row.policy_account_id, name, row.updated_at)
        kept = self._policies.get(key)
        if kept is None:
            if len(self._policies) >= CACHE_SIZE:
                self._policies.clear()
            kept = self._policies[key] = parse_policy(row.document, name)
        return kept


def _key(row: Any) -> tuple[str, str]:
    return row.policy_account_id, row.policy_name


def _nobody(caller: Caller) -> Principal:
    """A user or session that is gone: nothing is allowed."""
    return Principal(caller, "Unknown", "", caller.user_id, Layers())
