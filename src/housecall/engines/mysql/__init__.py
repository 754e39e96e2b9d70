"""MySQL and MariaDB: MySQL 8.0 to 9.x and MariaDB 10.6 to 11.x are read; MySQL 9.7 and MariaDB 10.11 are tested."""

from housecall.engines.mysql.engine import ENGINE

__all__ = ["ENGINE"]
