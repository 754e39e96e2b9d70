"""MySQL and MariaDB servers that Housecall starts itself: for its demo and for its tests, never for its own state.

The programs are those of this machine, or of a folder that `tests/prepare` fills. A server runs as an unprivileged
user in a folder of its own and is ended by the process id that was started.
"""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs

from housecall.engines.engine import Flavour
from housecall.errors import SetupError
from housecall.store.unprivileged import Account, clean_environment

STOP_SECONDS = 30.0


def cache_folder() -> Path:
    """Where servers that no package manager installs are kept: outside of any checkout, readable by every user."""
    return Path("/var/cache/housecall") if os.geteuid() == 0 else Path(platformdirs.user_cache_dir("housecall"))


MARIADB_PLUGINS = cache_folder() / "mariadb-plugins"
"""Plugins that Debian packs with the service and not with the server: ed25519, metadata_lock_info and others."""


@dataclass(frozen=True, slots=True)
class MySQLKind:
    """A server that can be started: its flavour, and the folder that its programs were unpacked into (None: the
    machine's own)."""

    name: str
    flavour: Flavour
    root: Path | None = None

    @property
    def daemon(self) -> tuple[Path | str, ...]:
        """The beginning of the command line. A MySQL of another Debian release runs through its own loader."""
        if self.flavour == "mariadb":
            return ((self.root or Path("/")) / "usr/sbin/mariadbd",)
        assert self.root is not None
        libraries = self.root / "usr/lib/x86_64-linux-gnu"
        path = f"{libraries}:{libraries / 'mysql/private'}"
        loader = libraries / "ld-linux-x86-64.so.2"
        return (loader, "--library-path", path, self.root / "usr/sbin/mysqld")

    def is_complete(self) -> bool:
        """Whether the programs are there."""
        needed = [Path(self.daemon[-1])]
        if self.flavour == "mariadb":
            needed.append(self.data_folder_maker)
        return all(program.exists() for program in needed)

    @property
    def data_folder_maker(self) -> Path:
        """The program that fills a data folder of MariaDB; MySQL's server does it itself."""
        return (self.root or Path("/")) / "usr/bin/mariadb-install-db"

    def fixed_options(self) -> tuple[str, ...]:
        if self.root is None:
            return (f"--plugin-dir={MARIADB_PLUGINS}",) if MARIADB_PLUGINS.exists() else ()
        if self.flavour == "mariadb":
            return (f"--basedir={self.root / 'usr'}", f"--plugin-dir={self.root / 'usr/lib/mysql/plugin'}")
        share = self.root / "usr/share/mysql"
        return (
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}",
            f"--plugin-dir={self.root / 'usr/lib/mysql/plugin'}",
            "--mysqlx=OFF",
            "--secure-file-priv=NULL",
        )


MARIADB = MySQLKind("MariaDB 10.11", "mariadb")
MYSQL = MySQLKind("MySQL 9", "mysql", cache_folder() / "mysql-server")
MYSQL_KINDS = (MARIADB, MYSQL)


def make_data_folder(kind: MySQLKind, account: Account, folder: Path) -> None:
    """Fill an empty folder with a server's system tables; root has no password yet. Raises SetupError."""
    if kind.flavour == "mariadb":
        command: list[str | Path] = [
            kind.data_folder_maker, "--no-defaults", f"--datadir={folder}", "--skip-test-db",
            "--auth-root-authentication-method=normal", "--skip-name-resolve",
            f"--tmpdir={folder}",  # at its start the server removes what another left in a folder that they share
            *([f"--basedir={kind.root / 'usr'}"] if kind.root else []),
        ]  # fmt: skip
    else:
        command = [
            *kind.daemon, "--no-defaults", "--initialize-insecure", f"--datadir={folder}", *kind.fixed_options(),
        ]  # fmt: skip
    done = account.run(command)
    if done.returncode != 0:
        raise SetupError(f"{kind.name} could not make a data folder: {(done.stderr or done.stdout)[-2000:]}")


def start_server(
    kind: MySQLKind,
    account: Account,
    data_dir: Path,
    *,
    port: int,
    socket: Path,
    settings: Mapping[str, str],
    log: IO[bytes],
) -> "subprocess.Popen[bytes]":
    """Start a server on a data folder. It answers a moment later."""
    command = [
        *kind.daemon, "--no-defaults", f"--datadir={data_dir}", f"--socket={socket}", f"--port={port}",
        f"--pid-file={data_dir / 'pid'}", f"--tmpdir={data_dir}", *kind.fixed_options(),
        *(f"--{name.replace('_', '-')}={value}" for name, value in settings.items()),
    ]  # fmt: skip
    return subprocess.Popen(  # noqa: S603 - our own server, no shell
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env=clean_environment(),
        start_new_session=True,
        **account.spawn_options,
    )


def stop_server(process: "subprocess.Popen[bytes]") -> None:
    """End the server that was started here, and no other."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def discard_server(process: "subprocess.Popen[bytes]") -> None:
    """End the server that was started here at once: its data folder goes too, so nothing need be written first."""
    process.kill()
    process.wait(STOP_SECONDS)
