"""The typed rows of the readings, one module a topic; `row_types` finds them all."""

import importlib
import pkgutil

from housecall.engines.engine import Row


def row_types() -> tuple[type[Row], ...]:
    """Every row class of this package, by reading."""
    found: dict[str, type[Row]] = {}
    for module_info in pkgutil.iter_modules(__path__, __name__ + "."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Row) and value is not Row:
                found[value.reading] = value
    return tuple(found[name] for name in sorted(found))
