"""PostgreSQL: versions 13 to 18 are read; 15 and 18 are tested."""

from housecall.engines.postgresql.engine import ENGINE

__all__ = ["ENGINE"]
