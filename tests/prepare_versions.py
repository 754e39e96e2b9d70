"""Set up servers of further versions, for the part of the live tests that runs on each of them.

They are never required: what cannot be had is named, and its tests are skipped. A server is fetched from a suite of the
mirror that this machine's own apt uses, under a private apt configuration, and unpacked into a cache folder. There its
programs run through the loader and with the libraries of their own release, by a small script in the place of each.

    python tests/prepare_versions.py                                                       those of the tests
    python tests/prepare_versions.py postgresql-18 sid postgresql-18 postgresql-18-hypopg  name, suite, packages of one
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from housecall.testing import further_servers_folder
from prepare_mysql import CannotPrepare, private_apt, put_in_place, run

LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")
LOADER = "ld-linux-x86-64.so.2"
PROGRAMS = ("usr/sbin/mariadbd", "usr/bin/my_print_defaults", "usr/bin/resolveip", "usr/lib/postgresql/*/bin/*")
PATIENCE = ("-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1")
AT_ONCE = 2
"""Most of the time goes into unpacking."""
IN_VAIN = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl", "usr/share/info")


@dataclass(frozen=True, slots=True)
class Further:
    """A server of another release. `plugins`: packages of which only the files count, not what they depend on."""

    name: str
    suite: str
    packages: tuple[str, ...]
    plugins: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return further_servers_folder() / self.name


FURTHER = (
    Further("mariadb-11.8", "trixie", ("mariadb-server-core", "mariadb-client-core"), ("mariadb-server",)),
    Further("postgresql-17", "trixie", ("postgresql-17", "postgresql-17-hypopg")),
    Further("postgresql-13", "bullseye", ("postgresql-13", "postgresql-13-hypopg")),
)


def fetch(server: Further) -> None:
    """Unpack a server with all that it needs. Raises CannotPrepare."""
    if shutil.which("dpkg") is None or os.uname().machine != "x86_64":
        raise CannotPrepare("it is unpacked from Debian packages for x86_64")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = (*private_apt(folder, server.suite), *PATIENCE)
        run("apt-get", *options, "-q", "update")
        install = ("-q", "-y", "--download-only", "--no-install-recommends", "install", *server.packages)
        run("apt-get", *options, *install)
        archives = folder / "archives"
        if server.plugins:
            run("apt-get", *options, "-q", "download", *server.plugins, cwd=archives)
        unpacked = folder / "root"
        for package in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(package), str(unpacked)], check=True)
        for each in IN_VAIN:
            shutil.rmtree(unpacked / each, ignore_errors=True)
        run_by_own_loader(unpacked, server.root)
        server.root.parent.mkdir(parents=True, exist_ok=True)
        server.root.parent.chmod(0o755)
        put_in_place(unpacked, server.root)


def run_by_own_loader(unpacked: Path, root: Path) -> None:
    """Put a script in the place of each program, which has the place `root` in the end. The loader has the name of the
    program: it is what the system calls the process."""
    found = [unpacked / each / LOADER for each in LIBRARIES if (unpacked / each / LOADER).exists()]
    if not found:
        raise CannotPrepare("its packages have no loader")
    loaders = unpacked / "loaders"
    loaders.mkdir()
    libraries = ":".join(str(root / each) for each in LIBRARIES)
    for program in (path for pattern in PROGRAMS for path in sorted(unpacked.glob(pattern)) if is_binary(path)):
        behind = program.with_name(f"{program.name}.real")
        program.rename(behind)
        shutil.copyfile(found[0], loaders / program.name)
        (loaders / program.name).chmod(0o755)
        loader, real = root / "loaders" / program.name, root / behind.relative_to(unpacked)
        program.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {real} "$@"\n', encoding="utf-8")
        program.chmod(0o755)


def is_binary(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def prepare(wanted: Sequence[Further] = FURTHER) -> list[str]:
    """Make the servers ready; the sentences say what is not there and why."""
    missing = [server for server in wanted if not server.root.exists()]
    with ThreadPoolExecutor(AT_ONCE) as workers:
        return [why for why in workers.map(why_not, missing) if why]


def why_not(server: Further) -> str | None:
    try:
        fetch(server)
    except (CannotPrepare, OSError, subprocess.CalledProcessError) as error:
        return f"No {server.name} (its tests are skipped, nothing else needs it): {error}"
    return None


def main(arguments: Sequence[str]) -> int:
    if arguments and len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    wanted = [Further(arguments[0], arguments[1], tuple(arguments[2:]))] if arguments else FURTHER
    trouble = prepare(wanted)
    for sentence in trouble:
        print(sentence, file=sys.stderr)
    for server in wanted:
        if server.root.exists():
            print(server.root)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
