"""A host whose name cannot be looked up is unreachable, on every engine, to look and to change."""

import pytest

from housecall.engines.engine import ProbeLimits
from housecall.engines.mysql import ENGINE as MYSQL
from housecall.engines.mysql.writer import open_writer as open_mysql_writer
from housecall.engines.postgresql import ENGINE as POSTGRESQL
from housecall.engines.postgresql.writer import open_writer as open_postgresql_writer
from housecall.errors import InstanceUnreachable

pytestmark = pytest.mark.anyio
NAMES = ["db..example", "a" * 64 + ".example", "db\U0010ddd2"]


@pytest.mark.parametrize("engine", [POSTGRESQL, MYSQL], ids=lambda each: each.name)
@pytest.mark.parametrize("host", NAMES)
async def test_a_name_that_no_host_has_is_unreachable(engine, host: str) -> None:
    target = engine.parse_dsn(f"{engine.name}://reader@{host}/shop")
    with pytest.raises(InstanceUnreachable, match="not the name of a host"):
        async with engine.open_probe(target, ProbeLimits(), instance_id="orders-db"):
            pass


@pytest.mark.parametrize(("engine", "open_writer"), [(POSTGRESQL, open_postgresql_writer), (MYSQL, open_mysql_writer)])
@pytest.mark.parametrize("host", NAMES)
async def test_nothing_is_changed_at_a_name_that_no_host_has(engine, open_writer, host: str) -> None:
    target = engine.parse_dsn(f"{engine.name}://writer@{host}/shop")
    with pytest.raises(InstanceUnreachable, match="not the name of a host"):
        async with open_writer(target, instance_id="orders-db", statement_timeout_seconds=1.0):
            pass
