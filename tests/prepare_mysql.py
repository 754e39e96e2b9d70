"""Set up MariaDB and MySQL for the tests, without a service of the machine and without touching its package state.

MariaDB is a Debian package (the server alone, and the tool that makes data folders); its loadable plugins are unpacked
beside. MySQL is not in Debian's stable release: it is fetched from the suite `sid` of the mirror that this machine's
own apt uses, under a private apt configuration, unpacked into a cache folder, and run through its own loader.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from housecall.testing_mysql import MARIADB, MARIADB_PLUGINS, MYSQL, cache_folder

MARIADB_PACKAGES = ("mariadb-server-core", "mariadb-client-core")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITE = "sid"


class CannotPrepare(Exception):
    """Why a server cannot be had here."""


def run(*command: str | Path, cwd: Path | None = None) -> None:
    print("+", " ".join(str(part) for part in command), flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        [str(part) for part in command], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CannotPrepare(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def prepare_mariadb() -> None:
    """Raises CannotPrepare."""
    if not MARIADB.is_complete():
        if os.geteuid() != 0:
            raise CannotPrepare(f"apt needs root; run: sudo apt-get install {' '.join(MARIADB_PACKAGES)}")
        run("apt-get", "update", "-q")
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", *MARIADB_PACKAGES)
    if not MARIADB_PLUGINS.exists():
        with tempfile.TemporaryDirectory() as folder:
            run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "mariadb-server", cwd=Path(folder))
            unpacked = Path(folder) / "root"
            for package in Path(folder).glob("*.deb"):
                run("dpkg", "-x", package, unpacked)
            put_in_place(unpacked / "usr/lib/mysql/plugin", MARIADB_PLUGINS)


def prepare_mysql() -> None:
    """Raises CannotPrepare."""
    if MYSQL.is_complete():
        return
    if shutil.which("dpkg") is None or os.uname().machine != "x86_64":
        raise CannotPrepare("MySQL is unpacked from Debian packages for x86_64")
    with tempfile.TemporaryDirectory() as folder:
        options = private_apt(Path(folder))
        run("apt-get", *options, "-q", "update")
        run(
            "apt-get",
            *options,
            "-q",
            "-y",
            "--download-only",
            "--no-install-recommends",
            "install",
            "mysql-server-core",
        )
        unpacked = Path(folder) / "root"
        for package in sorted((Path(folder) / "archives").glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(package), str(unpacked)], check=True)
        if not (unpacked / "lib").exists():
            (unpacked / "lib").symlink_to("usr/lib")
        assert MYSQL.root is not None
        put_in_place(unpacked, MYSQL.root)


def private_apt(folder: Path, suite: str = SUITE) -> Sequence[str]:
    """An apt that knows one suite of the machine's own mirror, and of which the machine's own apt knows nothing."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {own_mirror()} {suite} main\n", encoding="utf-8")
    settings = {
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def own_mirror() -> str:
    """The address that the machine's apt has Debian itself from. Raises CannotPrepare."""
    for path in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        found = re.search(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s+)?)(\S+/debian)/?\s*", text, re.MULTILINE)
        if found:
            return found[1]
    raise CannotPrepare("this machine's apt has no Debian source to take servers of other releases from")


def put_in_place(made: Path, wanted: Path) -> None:
    """Under its name only when it is whole, and readable by the user that runs the servers."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    cache_folder().chmod(0o755)
    shutil.copytree(made, wanted.with_name(wanted.name + ".new"), symlinks=True, dirs_exist_ok=True)
    wanted.with_name(wanted.name + ".new").rename(wanted)
    wanted.chmod(0o755)


def prepare() -> list[str]:
    """Make both servers ready; the sentences say what is not there and why."""
    trouble: list[str] = []
    for kind, make in ((MARIADB, prepare_mariadb), (MYSQL, prepare_mysql)):
        try:
            make()
        except (CannotPrepare, OSError, subprocess.CalledProcessError) as error:
            trouble.append(f"{kind.name} is not complete: {error}")
    return trouble
