"""Which servers are too old to be examined, and what is said of them."""

import pytest

from housecall.engines.engine import OLDEST_READ, Version, demand_readable
from housecall.engines.mysql import ENGINE as MYSQL
from housecall.engines.mysql.flavour import version_of
from housecall.engines.postgresql import ENGINE as POSTGRESQL
from housecall.errors import InstanceTooOld

TARGET = MYSQL.parse_dsn("mysql://api:hunter2@db:3307/shop")


@pytest.mark.parametrize(
    "version",
    [
        version_of("5.7.44-log"),
        version_of("10.5.23-MariaDB-0+deb11u1"),
        Version("postgresql", 120_022, "PostgreSQL 12"),
    ],
    ids=lambda version: version.text,
)
def test_an_older_server_is_named_with_the_oldest_that_is_read(version: Version) -> None:
    with pytest.raises(InstanceTooOld, match=f"'orders-db' at db:3307/shop runs {version.text}") as caught:
        demand_readable(version, "orders-db", TARGET)
    assert OLDEST_READ[version.flavour][1] in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "version",
    [version_of("8.0.11"), version_of("10.6.0-MariaDB"), version_of("12.3.1-MariaDB"), version_of("9.7.4"),
     Version("postgresql", 130_000, "PostgreSQL 13"), Version("postgresql", 190_000, "PostgreSQL 19rc1")],
    ids=lambda version: version.text,
)  # fmt: skip
def test_the_oldest_and_newer_ones_are_examined(version: Version) -> None:
    demand_readable(version, "orders-db", TARGET)


@pytest.mark.parametrize(("engine", "flavours"), [(MYSQL, ("mysql", "mariadb")), (POSTGRESQL, ("postgresql",))])
def test_most_readings_begin_with_the_oldest_version(engine, flavours: tuple[str, ...]) -> None:
    for flavour in flavours:
        number, name = OLDEST_READ[flavour]
        oldest, before = Version(flavour, number, name), Version(flavour, number - 100, f"before {name}")
        served = [reading for reading in engine.readings if reading.serves(oldest)]
        assert len(served) > 35
        assert not any(reading.serves(before) for reading in engine.readings)
