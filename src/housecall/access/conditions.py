"""Conditions of a policy statement: `{operator: {key: [values]}}` compared with the context of a request.

Values of one key are alternatives; several keys and several operators must all hold. A context value that is a list
counts as several values, one of which is enough.

A key that the request does not have makes every positive operator false, so nothing is granted on what is not known.
A negative operator is exactly the opposite of its positive one and therefore true then: "deny unless the address is
in the office network" (Deny with NotIpAddress) must also deny when the address is not known. Whoever grants with a
negative operator grants to those without the key as well. A context value that cannot be read as the operator's type
(an address that is none) is treated like a missing one.
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from housecall.access.wildcards import Wildcard

COMMON_KEYS = (
    "acs:CurrentTime", "acs:MFAPresent", "acs:PrincipalARN", "acs:SecureTransport", "acs:SourceIp", "acs:SourceVpc",
)  # fmt: skip
"""Keys with one known spelling: another case of them is refused, since it would silently never be there."""

ContextValue = str | Sequence[str]
Address = tuple[int, int]
"""IP version and the address as a number."""
Network = tuple[int, int, int]
"""IP version, first address and mask as numbers."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_CIDR = re.compile(r"[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?")


class Context:
    """The context of one request. What is read from it is kept, since many statements ask for the same keys."""

    def __init__(self, values: Mapping[str, ContextValue]) -> None:
        self._values = values
        self._read: dict[tuple[str, Callable[[str], Any]], tuple[Any, ...]] = {}

    def read(self, key: str, reader: Callable[[str], Any]) -> tuple[Any, ...]:
        """The values of a key as the reader understands them; those it cannot read are left out."""
        found = self._read.get((key, reader))
        if found is None:
            raw = self._values.get(key, ())
            texts = (raw,) if isinstance(raw, str) else raw
            found = tuple(value for value in map(reader, texts) if value is not None)
            self._read[key, reader] = found
        return found


def read_text(text: str) -> str:
    return text


def read_folded(text: str) -> str:
    return text.casefold()


def read_number(text: str) -> Decimal | None:
    """Exact, and without exponents, so that no value is costly to compare."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def read_instant(text: str) -> timedelta | None:
    """ISO-8601 with a zone, as the time since 1970."""
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text) - _EPOCH
    except ValueError:
        return None


def read_boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def read_address(text: str) -> Address | None:
    """An address; an IPv4 one that came through an IPv6 socket (`::ffff:10.0.0.1`) is the IPv4 one."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (4, int(mapped)) if mapped else (address.version, int(address))


def read_network(text: str) -> Network | None:
    """An address or a CIDR block; bits beyond the prefix are ignored."""
    if not _CIDR.fullmatch(text):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped:
            return (4, int(mapped), int(network.netmask) & 0xFFFFFFFF)
    return (network.version, int(network.network_address), int(network.netmask))


@dataclass(frozen=True, slots=True)
class Operator:
    """How one operator reads the policy's and the request's values and compares them (request first)."""

    allowed: str
    read_policy: Callable[[str], Any]
    read_request: Callable[[str], Any]
    holds: Callable[[Any, Any], bool]
    negative: bool = False


def _both(name: str, positive: Operator) -> dict[str, Operator]:
    """An operator and its negative, whose name has a Not before the verb: StringEquals, StringNotEquals."""
    negative = re.sub(r"^(String|Numeric|Date|)(?=Equals|Like|IpAddress)", r"\1Not", name)
    return {name: positive, negative: replace(positive, negative=True)}


def _ordered(family: str, allowed: str, reader: Callable[[str], Any]) -> dict[str, Operator]:
    comparisons = {
        "LessThan": operator.lt, "LessThanEquals": operator.le,
        "GreaterThan": operator.gt, "GreaterThanEquals": operator.ge,
    }  # fmt: skip
    return _both(f"{family}Equals", Operator(allowed, reader, reader, operator.eq)) | {
        f"{family}{name}": Operator(allowed, reader, reader, holds) for name, holds in comparisons.items()
    }


def _like(actual: str, pattern: Wildcard) -> bool:
    return pattern.matches(actual)


def _inside(address: Address, network: Network) -> bool:
    return address[0] == network[0] and address[1] & network[2] == network[1]


_TEXT = "any text"
_INSTANT_TEXT = "a moment such as 2026-11-23T03:08:47Z or 2026-11-23T11:08:47+08:00"
OPERATORS: Mapping[str, Operator] = {
    **_both("StringEquals", Operator(_TEXT, read_text, read_text, operator.eq)),
    **_both("StringEqualsIgnoreCase", Operator(_TEXT, read_folded, read_folded, operator.eq)),
    **_both("StringLike", Operator("text with the wildcards * and ?", Wildcard, read_text, _like)),
    **_ordered("Numeric", "a number such as 10 or -2.5", read_number),
    **_ordered("Date", _INSTANT_TEXT, read_instant),
    "Bool": Operator("true or false", read_boolean, read_boolean, operator.eq),
    **_both("IpAddress", Operator("an IPv4 or IPv6 address or CIDR block", read_network, read_address, _inside)),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key. Made only of values that `unreadable` lets through."""

    operator: str
    key: str
    values: tuple[str, ...]
    _operator: Operator = field(init=False, repr=False, compare=False)
    _wanted: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_operator", OPERATORS[self.operator])
        object.__setattr__(self, "_wanted", tuple(map(self._operator.read_policy, self.values)))

    def holds(self, context: Context) -> bool:
        compare = self._operator.holds
        for actual in context.read(self.key, self._operator.read_request):
            for wanted in self._wanted:
                if compare(actual, wanted):
                    return not self._operator.negative
        return self._operator.negative


def unreadable(operator_name: str, values: Sequence[str]) -> str | None:
    """The first value that this operator cannot take, or None."""
    reader = OPERATORS[operator_name].read_policy
    return next((value for value in values if reader(value) is None), None)
