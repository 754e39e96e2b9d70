"""What the diagnostician says of a look at the server, without a question around it."""

import pytest

from housecall.agent.builtin.live import settings

SEARCHED = "name contains 'timeout'"


@pytest.mark.parametrize(
    ("selection", "says", "hides"),
    [
        (SEARCHED, "(1 of 1, those whose name fits)", "changed from the built-in value"),
        ("changed from the built-in value", "(1 of 1, changed from the built-in value)", "as asked"),
        ("by name", "(1 of 1, as asked)", "changed from the built-in value"),
    ],
)
def test_settings_found_by_a_part_of_their_name_are_not_called_changed(selection: str, says: str, hides: str) -> None:
    one = {"name": "lock_timeout", "value": "0", "unit": "ms", "needs": "session", "pending_restart": False}
    found = {"instance_id": "shop", "selection": selection, "total": 1, "not_found": [], "parameters": [one]}

    told = settings(found, "en")

    assert says in told
    assert hides not in told
