"""The state database's pool: what it tells of a failure."""

from sqlalchemy.exc import IntegrityError

from housecall.store.database import Database


def test_a_failed_statement_is_told_without_what_it_would_have_stored() -> None:
    engine = Database("postgresql://someone@localhost/state").engine.sync_engine
    error = IntegrityError("INSERT", {"query": "my password is hunter2"}, Exception("no"), engine.hide_parameters)
    assert "hunter2" not in str(error)
