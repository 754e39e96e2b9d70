"""The statements that skills tell to read with: MySQL and MariaDB understand every one that is meant for them."""

import re

import pytest

from housecall.engines.engine import ProbeLimits
from housecall.engines.mysql import ENGINE
from housecall.errors import StatementFailed
from housecall.skills.catalog import builtin_skills
from housecall.testing_mysql import PrivateMySQLDatabase

pytestmark = pytest.mark.anyio
BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SWITCHED_OFF = "not using binary logging"


async def test_every_statement_of_every_skill_runs(shop: PrivateMySQLDatabase) -> None:
    flavour = "MariaDB" if shop.server.kind.flavour == "mariadb" else "MySQL"
    failed = {}
    async with ENGINE.open_probe(shop.target(), ProbeLimits(), instance_id="shop") as probe:
        for skill in builtin_skills():
            for sql in BLOCK.findall(skill.content.get(flavour, "")):
                try:
                    await probe.query(sql)
                except StatementFailed as error:
                    failed[f"{skill.name}: {sql[:60]}"] = error.message
    assert {place: why for place, why in failed.items() if SWITCHED_OFF not in why} == {}
