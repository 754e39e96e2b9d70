"""Set up the database servers that the tests start for themselves.

PostgreSQL 18 comes with the Python packages. PostgreSQL 15 with HypoPG is a Debian package: installed through apt where
that may be done, else its tests are skipped and this says which and why. `prepare_mysql` does the same for MariaDB and
MySQL. With HOUSECALL_REQUIRE_SERVERS=1 a missing server is a failure.
"""

import os
import shutil
import subprocess
import sys

import prepare_mysql
from housecall.testing import POSTGRESQL_15, missing_servers
from housecall.testing_mysql import missing_mysql_servers

PACKAGES = ("postgresql-15", "postgresql-15-hypopg")
COMPARED = {"pgbadger": "pgbadger", "pt-query-digest": "percona-toolkit"}
"""Log analysers whose counts and sums ours must equal: the program, and the Debian package that has it."""


def install_debian_packages(*packages: str) -> str | None:
    """Why the packages could not be installed, or None when they are there."""
    if shutil.which("apt-get") is None:
        return f"this machine has no apt; install {' '.join(packages)} by its own means"
    if os.geteuid() != 0:
        return f"apt needs root; run: sudo apt-get install {' '.join(packages)}"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-q"], install):
        print("+", " ".join(command), flush=True)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-500:]}"
    return None


def main() -> int:
    if not POSTGRESQL_15.is_complete():
        print("Installing PostgreSQL 15 and HypoPG for the tests ...", flush=True)
        reason = install_debian_packages(*PACKAGES)
        if reason is not None:
            print(f"PostgreSQL 15 is not there: {reason}", flush=True)
    absent = [package for program, package in COMPARED.items() if shutil.which(program) is None]
    if absent and (reason := install_debian_packages(*absent)) is not None:
        print(f"No comparison with {' and '.join(absent)}: {reason}", flush=True)
    for reason in prepare_mysql.prepare():
        print(reason, flush=True)
    missing = missing_servers() + missing_mysql_servers()
    for server in missing:
        print(f"Tests on {server} will be skipped.", flush=True)
    if missing and os.environ.get("HOUSECALL_REQUIRE_SERVERS") == "1":
        print("HOUSECALL_REQUIRE_SERVERS=1: a missing server is a failure.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
