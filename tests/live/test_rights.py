"""Checks of logins and passwords on servers of the test's own: clean, broken, found, fixed, clean."""

from collections.abc import Callable

import pytest

from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio
Start = Callable[..., PrivateDatabase]


def severities(diagnosis: Diagnosis, check: str) -> set[str]:
    return {each.severity.value for each in diagnosis.findings if each.check == f"postgresql.{check}"}


def objects(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.object for each in diagnosis.findings if each.check == f"postgresql.{check}"]


async def test_weak_authentication_of_the_world_is_critical_until_the_line_is_changed(fresh_server: Start) -> None:
    database = fresh_server()
    file = database.server.cluster.data_dir / "pg_hba.conf"
    text = file.read_text(encoding="utf-8")
    assert severities(await database.examine(), "weak_authentication") == {"info"}
    file.write_text(f"{text}\nhost all all 0.0.0.0/0 trust\n", encoding="utf-8")
    # the server listens nowhere, so that nobody can come in by that line
    assert severities(await database.examine(), "weak_authentication") == {"info", "notice"}
    database.execute("ALTER SYSTEM SET listen_addresses = '*'")
    file.write_text(f"{text}\nhost all all 0.0.0.0/0 scram-sha-256\n", encoding="utf-8")
    diagnosis = await database.examine()
    assert severities(diagnosis, "weak_authentication") == {"info"}
    assert [cause.id for cause in diagnosis.causes if cause.id == "weak_authentication"] == ["weak_authentication"]


async def test_weak_authentication_is_known_to_a_reader_from_its_own_login(fresh_server: Start) -> None:
    database = fresh_server()
    reader = database.create_reader()
    diagnosis = await database.examine(role=reader)
    assert objects(diagnosis, "weak_authentication") == [f"role {reader}"]
    (missed,) = [each for each in diagnosis.not_evaluated if each.check == "postgresql.weak_authentication"]
    database.execute(*str(missed.remedy).rstrip(";").split(";"))
    assert "pg_hba.conf" in objects(await database.examine(role=reader), "weak_authentication")


async def test_weak_passwords_are_found_until_they_are_changed(fresh_server: Start) -> None:
    database = fresh_server()
    assert objects(await database.examine(), "weak_passwords") == []
    database.execute(
        "SET password_encryption = 'md5'; CREATE ROLE web LOGIN PASSWORD 'web'; CREATE ROLE old LOGIN PASSWORD 'x7yz'",
        "CREATE ROLE brief LOGIN PASSWORD 'k2jd' VALID UNTIL '2000-01-01'",
    )
    diagnosis = await database.examine()
    assert set(objects(diagnosis, "weak_passwords")) == {"role brief", "role old", "role web"}
    assert "role web" in [cause.object for cause in diagnosis.causes if cause.id == "weak_authentication"]
    database.execute(
        "ALTER ROLE web PASSWORD 'q8w7'",
        "ALTER ROLE old PASSWORD 'x7yz'",
        "ALTER ROLE brief PASSWORD 'k9jd' VALID UNTIL 'infinity'",
    )
    assert objects(await database.examine(), "weak_passwords") == []
