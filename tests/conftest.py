"""What every test may use."""

import pytest
from hypothesis import HealthCheck, settings

# No test is timed: what a property says holds on a busy machine as well.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"
