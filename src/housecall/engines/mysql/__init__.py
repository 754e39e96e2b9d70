"""MySQL 8.0 to 9.x and MariaDB 10.6 to 11.x; tested are MySQL 9.7, MariaDB 10.11 and 11.8."""

from housecall.engines.mysql.engine import ENGINE

__all__ = ["ENGINE"]
