"""Which server answers: MySQL or MariaDB, and which version."""

import re

from housecall.engines.engine import Flavour, Version, version_number

_NUMBER = re.compile(r"(?:5\.5\.5-)?(\d+\.\d+(?:\.\d+)?)")
_NAMES: dict[Flavour, str] = {"mysql": "MySQL", "mariadb": "MariaDB"}


def version_of(version: str, comment: str = "") -> Version:
    """The version from `@@version` and `@@version_comment`. Relatives of MySQL (Percona, Aurora) count as MySQL.

    MariaDB puts 5.5.5- before its version where old replicas would stumble over the true one.
    """
    flavour: Flavour = "mariadb" if "mariadb" in f"{version} {comment}".lower() else "mysql"
    match = _NUMBER.match(version)
    number = match[1] if match else "0"
    return Version(flavour, version_number(number), f"{_NAMES[flavour]} {number}")
