"""The listening socket of the server: had or refused with what to do. Loads nothing else of the API."""

import errno
import socket
import time
from typing import Any

from housecall.errors import SetupError

HANDOVER_SECONDS = 3.0
"""How long a port may still be held by the processes of a server that was killed a moment ago; they let go of it within
half a second of its end on an idle machine."""
LOOK_SECONDS = 0.1


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        SetupError: the port is in use, or the address is not this machine's, and what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = _bound(address, family)
    except socket.gaierror as error:
        raise SetupError(f"Cannot listen on {host!r}: no such address; choose another with --host.") from error
    except (OSError, OverflowError) as error:
        raise SetupError(_why_not(host, port, error)) from error
    # Connections inherit it. asyncio would set it only on a socket that was made with the protocol named, and without
    # it the second small write of an answer, such as its body, waits some 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _bound(address: tuple[Any, ...], family: int) -> socket.socket:
    """The socket, waiting for a predecessor to let go of the port. Raises OSError."""
    deadline = time.monotonic() + HANDOVER_SECONDS
    while True:
        try:
            return socket.create_server(address[:2], family=family, backlog=2048)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise
        time.sleep(LOOK_SECONDS)


def _why_not(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use, perhaps by another `housecall serve`;"
            " stop that one, or choose another port with --port (HOUSECALL_PORT)."
        )
    if number == errno.EACCES:
        return f"Port {port} on {host} is reserved for root; choose one above 1023 with --port (HOUSECALL_PORT)."
    return f"Cannot listen on {host} port {port}: {error}; choose others with --host and --port."


def base_url(listener: socket.socket) -> str:
    """`http://host:port` of a listening socket."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
