"""Which servers a caller over the network may have registered: none that only this machine should reach.

Whoever registers an instance has this server connect to it. Link-local and metadata addresses hold credentials of
machines, and a Unix socket leads to databases of this very machine, Housecall's own among them. The command line may
register any of these; loopback and private addresses are where databases live, so they are allowed.
"""

import asyncio
import socket

from housecall.addresses import METADATA_HOSTS, is_forbidden_address
from housecall.engines.engine import Target
from housecall.errors import RequestError

_ADDRESS_OPTIONS = ("hostaddr",)
_SOCKET_OPTIONS = ("socket", "unix_socket")


async def check_address(target: Target, *, allow_link_local: bool) -> None:
    """Raises RequestError when the address, or what its name resolves to, must not be reached.

    A name that does not resolve passes: connecting says better what is wrong with it.
    """
    hosts = [*target.host.split(","), *(target.options[name] for name in _ADDRESS_OPTIONS if name in target.options)]
    for host in hosts:
        if host.startswith(("/", "@", "\\")) or any(target.options.get(name) for name in _SOCKET_OPTIONS):
            raise _refused("a Unix socket is reached from the command line only: housecall instance add")
        if not allow_link_local:
            await _check_host(host)


async def _check_host(host: str) -> None:
    name = host.strip().rstrip(".").lower()
    if name in METADATA_HOSTS or is_forbidden_address(name):
        raise _forbidden(host)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    if any(is_forbidden_address(str(address[4][0])) for address in found):
        raise _forbidden(host)


def _forbidden(host: str) -> RequestError:
    return _refused(
        f"{host[:100]!r} is a link-local or metadata address, where machines keep their credentials;"
        " if it is meant, the operator can set HOUSECALL_ALLOW_LINK_LOCAL_INSTANCES=1"
    )


def _refused(why: str) -> RequestError:
    return RequestError(f"The provided parameter is invalid. The server's address is refused: {why}.")
