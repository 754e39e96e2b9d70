"""What every test may use."""

import gc

import pytest
from hypothesis import HealthCheck, settings

# No test is timed: what a property says holds on a busy machine as well.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


# Thousands of tests are collected into objects that live to the end: looking for garbage among them, while they come
# and ever after, takes a third of the time of collecting.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"
