"""Which addresses a model's endpoint may have. Pure.

Whoever may name an address that this server then asks could have it ask where clouds give a machine its credentials.
Private and loopback addresses are allowed: that is where models of one's own run.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

METADATA_HOSTS = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
METADATA_ADDRESSES = frozenset({"100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16"})
"""Where clouds answer anybody on the machine with its credentials, beside the link-local 169.254.169.254."""


def check_base_url(url: str, *, allow_link_local: bool = False) -> None:
    """Raises ValueError when this is no URL that a model's endpoint may have."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"it is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("it must begin with http:// or https:// and name a host")
    if parts.username or parts.password:
        raise ValueError("it must not hold a user or password; name the key with key = { env = … }")
    if not allow_link_local and (host.rstrip(".").lower() in METADATA_HOSTS or is_forbidden_address(host)):
        raise ValueError(
            f"it leads to {host}, where machines keep their credentials; set allow_link_local = true if it is meant"
        )


def is_forbidden_address(host: str) -> bool:
    """Whether a host is written as a link-local or metadata address, in whatever notation."""
    text = host.strip("[]").partition("%")[0]
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(text)
    except ValueError:
        found = _old_notation(text)
        if found is None:
            return False
        address = found
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    known = str(address) in METADATA_ADDRESSES
    return known or address.is_link_local


def _old_notation(text: str) -> ipaddress.IPv4Address | None:
    """`2852039166`, `0xa9fea9fe`, `0251.0376.0251.0376`: resolvers take them all for 169.254.169.254."""
    if not text or not all(part and part[0].isdigit() for part in text.split(".")):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except OSError:
        return None
