"""Errors as a person on the command line sees them: one line on stderr, never a password, never a traceback unasked."""

import os
import re
import sys
import traceback

from housecall.errors import HousecallError

CLEAN, FOUND, FAILED, STOPPED = 0, 1, 2, 130
"""Exit codes: nothing wrong, something found, could not do it, ended by Ctrl-C."""

_USER_INFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+]*://[^\s:/@]*):[^\s/]*@", re.IGNORECASE)
_PASSWORD_WORD = re.compile(r"(?P<word>\bpassword\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """The text with the password of every DSN in it replaced. Our own errors hold none; a library's may."""
    return _PASSWORD_WORD.sub(r"\g<word>***", _USER_INFO.sub(r"\g<scheme>:***@", text))


def message_of(error: BaseException) -> str:
    """One line for a person."""
    if isinstance(error, HousecallError):
        return _one_line(error.message)
    if isinstance(error, OSError) and error.filename:
        return _one_line(f"{error.filename}: {error.strerror}")
    words = _one_line(f"Housecall failed: {type(error).__name__}: {error}")
    return f"{words} (a bug; HOUSECALL_LOG_LEVEL=debug shows where)"


def wants_traceback() -> bool:
    return os.environ.get("HOUSECALL_LOG_LEVEL", "").lower() == "debug"


def print_failure(error: BaseException) -> None:
    """Tell an error on stderr, in red on a terminal."""
    from rich.console import Console
    from rich.text import Text

    if wants_traceback():
        sys.stderr.write(without_passwords("".join(traceback.format_exception(error))))
    Console(stderr=True, soft_wrap=True).print(Text(message_of(error), style="red"))


def _one_line(text: str) -> str:
    return " ".join(without_passwords(text).split())
