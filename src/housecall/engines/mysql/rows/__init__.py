"""The typed rows of the readings, one module a topic; `row_types` finds them all."""

from housecall.engines.engine import Row, row_types_below


def row_types() -> tuple[type[Row], ...]:
    """Every row class of this package, by reading."""
    return row_types_below(__path__, __name__)
