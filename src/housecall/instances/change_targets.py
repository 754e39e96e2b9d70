"""The second role of an instance, that only changes are made with: kept like the first, its password sealed."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from housecall.access.vault import Vault
from housecall.engines.change import same_server
from housecall.engines.engine import Target
from housecall.engines.instance import Engines, Instance
from housecall.errors import RequestError
from housecall.store.database import Database
from housecall.store.tables import ChangeTargetRow


class ChangeTargets:
    """Implements the desk's `ChangeTargetDirectory`; it can also be changed."""

    def __init__(self, database: Database, vault: Vault, engines: Engines) -> None:
        self._database = database
        self._vault = vault
        self._engines = engines

    async def change_target(self, account_id: str, instance_id: str) -> Target | None:
        async with self._database.begin("reading the role for changes") as connection:
            row = (
                await connection.execute(
                    select(ChangeTargetRow.__table__).where(
                        ChangeTargetRow.account_id == account_id, ChangeTargetRow.instance_id == instance_id
                    )
                )
            ).one_or_none()
        if row is None:
            return None
        return Target(
            engine=row.engine,
            host=row.host,
            port=row.port,
            user=row.user_name,
            database=row.database,
            password=None
            if row.password is None
            else self._vault.open(row.password, _purpose(account_id, instance_id)),
            options=row.options,
        )

    async def set_change_target(self, account_id: str, instance: Instance, dsn: str | None) -> None:
        """Keep the role of this DSN for changes of the instance; None goes back to the one that reads.

        Raises RequestError when the DSN is of another server: what is approved for one must not be done to another.
        """
        if dsn is None:
            async with self._database.begin("removing the role for changes") as connection:
                await connection.execute(
                    delete(ChangeTargetRow).where(
                        ChangeTargetRow.account_id == account_id, ChangeTargetRow.instance_id == instance.id
                    )
                )
            return
        target = self.read(dsn, instance.target, instance.id)
        values = self._values(account_id, instance.id, target)
        statement: Any = upsert(ChangeTargetRow).values(**values)
        key = [ChangeTargetRow.account_id, ChangeTargetRow.instance_id]
        async with self._database.begin("storing the role for changes") as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values))

    def read(self, dsn: str, known: Target, instance_id: str) -> Target:
        """The target of a DSN for changes of the instance at `known`. Raises RequestError as above."""
        target = self._engines.parse_dsn(dsn)
        if not same_server(target, known):
            raise RequestError(
                f"Instance '{instance_id}' is {known.address}; the DSN for changes is of {target.address}."
                " Only the role may differ."
            )
        return target

    def _values(self, account_id: str, instance_id: str, target: Target) -> dict[str, Any]:
        sealed = None
        if target.password is not None:
            sealed = self._vault.seal(target.password, _purpose(account_id, instance_id))
        return {
            "account_id": account_id,
            "instance_id": instance_id,
            "engine": target.engine,
            "host": target.host,
            "port": target.port,
            "user_name": target.user,
            "database": target.database,
            "password": sealed,
            "options": dict(target.options),
        }


def _purpose(account_id: str, instance_id: str) -> str:
    return f"changes:{account_id}/{instance_id}"
