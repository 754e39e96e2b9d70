"""The registered instances of an account, kept in the store with their passwords encrypted."""

from collections.abc import Mapping

from housecall.engines.instance import Instance


class Instances:
    """An InstanceDirectory that can also be changed."""

    async def list_instances(self, account_id: str) -> tuple[Instance, ...]:
        """Sorted by id."""
        raise NotImplementedError

    async def get_instance(self, account_id: str, instance_id: str) -> Instance:
        """Raises NotFound (InstanceNotFound) naming the id and the ids that exist."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def remove(self, account_id: str, instance_id: str) -> None:
        """Raises NotFound (InstanceNotFound)."""
        raise NotImplementedError

    async def test(self, account_id: str, instance_id: str) -> Instance:
        """Connect now and keep the version it tells. Raises NotFound, InstanceError."""
        raise NotImplementedError
