"""Who runs PostgreSQL: it refuses to run as root, so root lends the work to a system user without rights.

Nobody else's folder changes its mode here. A folder that the user cannot reach is an error that says so.
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from housecall.errors import SetupError

SYSTEM_USER = "housecall"
FALLBACK_USER = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A system user. `switch` is false when this process already is that user."""

    name: str
    uid: int
    gid: int
    switch: bool

    @property
    def spawn_options(self) -> Mapping[str, Any]:
        """What `subprocess` needs to start a program as this user."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def run(self, command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in a folder it can enter, with its output captured."""
        return subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=clean_environment(),
            **{**self.spawn_options, **options},
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can reach into a folder through every folder above it."""
        if not self.switch:
            return os.access(folder, os.X_OK)
        return all(self._may_pass(part) for part in (folder.resolve(), *folder.resolve().parents))

    def _may_pass(self, folder: Path) -> bool:
        facts = folder.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & stat.S_IXUSR)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & stat.S_IXGRP)
        return bool(facts.st_mode & stat.S_IXOTH)

    def own(self, path: Path) -> None:
        if self.switch:
            os.chown(path, self.uid, self.gid)


def clean_environment() -> dict[str, str]:
    """The environment for PostgreSQL's programs: none of the caller's PG* variables, messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def account_for(folder: Path) -> Account:
    """Who runs the server on a data folder: its owner, or for a new folder this user, or root's stand-in.

    Raises:
        SetupError: the folder is another user's, or root finds nobody to lend the work to.
    """
    me = os.geteuid()
    owner = folder.stat().st_uid if folder.exists() else None
    if me != 0:
        if owner is not None and owner != me:
            raise SetupError(
                f"{folder} belongs to user {_user_name(owner)}, and this process runs as {_user_name(me)}; "
                "run it as that user, or choose another folder with HOUSECALL_HOME."
            )
        return Account(_user_name(me), me, os.getegid(), switch=False)
    if owner:
        entry = _entry(owner)
        return Account(_user_name(owner), owner, entry.pw_gid if entry else folder.stat().st_gid, switch=True)
    return stand_in()


def stand_in() -> Account:
    """The user that works for root. Made on first need; `nobody` where users cannot be made."""
    for name in (SYSTEM_USER, FALLBACK_USER):
        if name == SYSTEM_USER:
            _make_system_user()
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise SetupError(
        "The embedded PostgreSQL must not run as root, and there is no other user to run it as: useradd failed and "
        f"{FALLBACK_USER!r} does not exist. Run Housecall as an ordinary user, or set HOUSECALL_DATABASE_URL."
    )


def _make_system_user() -> None:
    """Two processes may try at once; the second attempt fails and finds the user made."""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd:
            shell = "/usr/sbin/nologin" if Path("/usr/sbin/nologin").exists() else "/bin/false"
            subprocess.run(  # noqa: S603 - fixed arguments
                [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell, SYSTEM_USER],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _user_name(uid: int) -> str:
    entry = _entry(uid)
    return entry.pw_name if entry else f"number {uid}"
