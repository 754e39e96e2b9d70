"""The registered instances of an account, kept in the store with their passwords sealed."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from housecall.access.admission import Admission
from housecall.access.vault import Vault
from housecall.engines.engine import Target
from housecall.engines.instance import Engines, Instance
from housecall.errors import NotFound, RequestError
from housecall.store.database import Database
from housecall.store.tables import InstanceRow

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.IGNORECASE)
NAMED_IDS = 20


class Instances:
    """An InstanceDirectory that can also be changed."""

    def __init__(self, database: Database, vault: Vault, engines: Engines, admission: Admission) -> None:
        self._database = database
        self._vault = vault
        self._engines = engines
        self._admission = admission

    async def list_instances(self, account_id: str) -> tuple[Instance, ...]:
        """Sorted by id."""
        async with self._database.begin("listing instances") as connection:
            rows = await connection.execute(
                select(InstanceRow.__table__).where(InstanceRow.account_id == account_id).order_by(InstanceRow.id)
            )
            return tuple(self._instance(row) for row in rows)

    async def get_instance(self, account_id: str, instance_id: str) -> Instance:
        """Raises NotFound (InstanceNotFound) naming the id and the ids that exist."""
        instances = await self.list_instances(account_id)
        for instance in instances:
            if instance.id == instance_id:
                return instance
        raise not_found(instance_id, [instance.id for instance in instances])

    async def add(
        self,
        account_id: str,
        instance_id: str,
        dsn: str,
        *,
        region: str = "local",
        description: str = "",
        labels: Mapping[str, str] | None = None,
        probe: bool = True,
        replace: bool = False,
    ) -> Instance:
        """Register a server; with `probe` it must answer first, and its version is kept.

        Raises RequestError (a bad id or DSN, an id that exists), LimitReached (the plan), InstanceError (no answer).
        """
        if not ID_PATTERN.fullmatch(instance_id):
            raise RequestError(
                f"{instance_id[:80]!r} cannot be the id of an instance: use up to 63 letters, digits, '.', '_' and '-'."
            )
        instance = Instance(
            id=instance_id,
            engine=(target := self._engines.parse_dsn(dsn)).engine,
            target=target,
            region=region,
            description=description,
            labels=dict(labels or {}),
        )
        if probe:
            instance = await self._probed(instance)
        await self._store(account_id, instance, replace=replace)
        return instance

    async def change(self, account_id: str, instance: Instance, *, probe: bool = True) -> Instance:
        """Keep what has changed of a registered instance; with `probe` it must answer first, and its version is kept.

        Raises NotFound (InstanceNotFound), InstanceError (no answer).
        """
        await self.get_instance(account_id, instance.id)
        if probe:
            instance = await self._probed(instance)
        await self._store(account_id, instance, replace=True)
        return instance

    async def remove(self, account_id: str, instance_id: str) -> None:
        """Raises NotFound (InstanceNotFound)."""
        await self.get_instance(account_id, instance_id)
        async with self._database.begin("removing an instance") as connection:
            await connection.execute(
                delete(InstanceRow).where(InstanceRow.account_id == account_id, InstanceRow.id == instance_id)
            )

    async def test(self, account_id: str, instance_id: str) -> Instance:
        """Connect now and keep the version it tells. Raises NotFound, InstanceError."""
        instance = await self._probed(await self.get_instance(account_id, instance_id))
        async with self._database.begin("keeping an instance's version") as connection:
            await connection.execute(
                update(InstanceRow)
                .where(InstanceRow.account_id == account_id, InstanceRow.id == instance_id)
                .values(version=instance.version)
            )
        return instance

    async def _probed(self, instance: Instance) -> Instance:
        async with self._engines.open_probe(instance) as probe:
            return _with_version(instance, probe.facts.version.text)

    async def _store(self, account_id: str, instance: Instance, *, replace: bool) -> None:
        values = self._values(account_id, instance)
        statement: Any = upsert(InstanceRow).values(**values)
        key = [InstanceRow.account_id, InstanceRow.id]
        if replace:
            changes = {name: value for name, value in values.items() if name not in ("account_id", "id")}
            statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=key)
        async with self._database.begin("storing an instance") as connection:
            known = await connection.execute(
                select(InstanceRow.id).where(InstanceRow.account_id == account_id, InstanceRow.id == instance.id)
            )
            if known.one_or_none() is None:
                await self._admission.admit_instance(connection, account_id)
            stored = await connection.execute(statement.returning(InstanceRow.id))
            if stored.one_or_none() is None:
                raise RequestError(
                    f"There is an instance {instance.id!r} already; remove it first, or choose another id.",
                    code="InstanceAlreadyExists",
                    status=409,
                )

    def _values(self, account_id: str, instance: Instance) -> dict[str, Any]:
        target = instance.target
        sealed = None
        if target.password is not None:
            sealed = self._vault.seal(target.password, _purpose(account_id, instance.id))
        return {
            "account_id": account_id,
            "id": instance.id,
            "engine": instance.engine,
            "host": target.host,
            "port": target.port,
            "user_name": target.user,
            "database": target.database,
            "password": sealed,
            "options": dict(target.options),
            "region": instance.region,
            "description": instance.description,
            "labels": dict(instance.labels),
            "version": instance.version,
        }

    def _instance(self, row: Any) -> Instance:
        sealed = row.password
        target = Target(
            engine=row.engine,
            host=row.host,
            port=row.port,
            user=row.user_name,
            database=row.database,
            password=None if sealed is None else self._vault.open(sealed, _purpose(row.account_id, row.id)),
            options=row.options,
        )
        return Instance(row.id, row.engine, target, row.region, row.description, row.version, row.labels)


def _with_version(instance: Instance, version: str) -> Instance:
    return Instance(
        instance.id,
        instance.engine,
        instance.target,
        instance.region,
        instance.description,
        version,
        instance.labels,
    )


def _purpose(account_id: str, instance_id: str) -> str:
    return f"instance:{account_id}/{instance_id}"


def not_found(instance_id: str, there: list[str]) -> NotFound:
    """`there` are the ids that the caller may see."""
    if not there:
        known = "No instance is registered yet; add one with `housecall instance add ID --dsn URL`."
    else:
        more = f" and {len(there) - NAMED_IDS} more" if len(there) > NAMED_IDS else ""
        known = f"There are: {', '.join(there[:NAMED_IDS])}{more}."
    return NotFound(f"There is no instance {instance_id[:80]!r}. {known}", code="InstanceNotFound")
