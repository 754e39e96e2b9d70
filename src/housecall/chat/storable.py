"""What models, tools and people wrote, made storable: PostgreSQL holds neither NUL nor half of a surrogate pair.

Such characters become U+FFFD, so that one odd byte never costs an answer.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def storable_text(text: str) -> str:
    return _UNSTORABLE.sub(REPLACEMENT, text) if _UNSTORABLE.search(text) else text


def storable_value(value: Any) -> Any:
    """A JSON value without what jsonb refuses. NaN and infinities become text, as JSON has no such numbers.

    Raises TypeError for what is no JSON value at all.
    """
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {storable_text(str(key)): storable_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable_value(item) for item in value]
    raise TypeError(f"{type(value).__name__} is no JSON value")


def storable_json(value: Any) -> str:
    return json.dumps(storable_value(value))
