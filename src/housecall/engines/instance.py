"""Instances: the servers that Housecall watches, as seen by those who ask them something."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from housecall.engines.change import Changer
from housecall.engines.engine import Engine, EngineName, Probe, ProbeLimits, Target
from housecall.errors import RequestError


@dataclass(frozen=True, slots=True)
class Instance:
    """A monitored database server. `version` is what it said when it was last reached, or None."""

    id: str
    engine: EngineName
    target: Target
    region: str = "local"
    description: str = ""
    version: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class InstanceDirectory(Protocol):
    """Who can be asked. Answers only for the given account; another account's instance is not found."""

    async def list_instances(self, account_id: str) -> tuple[Instance, ...]:
        """Sorted by id."""

    async def get_instance(self, account_id: str, instance_id: str) -> Instance:
        """Raises NotFound (code InstanceNotFound) naming the id and the ids that exist."""


class GrantedInstances(InstanceDirectory, Protocol):
    """The instances that one caller may see, and leave to use them."""

    async def use(self, instance: Instance, action: str, statement_hash: str | None = None) -> None:
        """Asked before each use of an instance. `action` is what a policy grants, such as `rds:DescribeParameters`.

        Raises NotAllowed (NoPermission).
        """


class Engines:
    """The engines this installation knows, by name; opens probes on instances. `changers` are those that can write."""

    def __init__(
        self,
        engines: Mapping[EngineName, Engine],
        limits: ProbeLimits,
        changers: Mapping[EngineName, Changer] | None = None,
    ) -> None:
        self._engines = dict(engines)
        self._changers = dict(changers or {})
        self.limits = limits

    def engine(self, name: EngineName) -> Engine:
        return self._engines[name]

    def changer(self, name: EngineName) -> Changer:
        """Raises RequestError for an engine that Housecall cannot change yet."""
        if name not in self._changers:
            raise RequestError(f"Changes are not made on {name} instances yet; a person can run the statement")
        return self._changers[name]

    def parse_dsn(self, dsn: str) -> Target:
        """The target of a DSN, by its scheme (`postgresql://`, `postgres://`, `mysql://`, `mariadb://`).

        Raises RequestError naming what is wrong, never the password.
        """
        scheme = dsn.partition("://")[0].lower()
        name: EngineName = "mysql" if scheme in ("mysql", "mariadb") else "postgresql"
        if scheme not in ("postgresql", "postgres", "mysql", "mariadb") or name not in self._engines:
            known = ", ".join(f"{each}://" for each in sorted(self._engines))
            raise RequestError(f"The DSN starts with {scheme[:20]!r}; this installation can reach {known}")
        return self._engines[name].parse_dsn(dsn)

    def open_probe(self, instance: Instance) -> AbstractAsyncContextManager[Probe]:
        return self._engines[instance.engine].open_probe(instance.target, self.limits, instance_id=instance.id)
