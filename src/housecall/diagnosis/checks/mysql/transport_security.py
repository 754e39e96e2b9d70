"""Connections over the network that may be read on their way.

Why it matters: without TLS passwords of some login methods and all rows travel in the clear.
How to fix: a certificate (MySQL makes one by itself), require_secure_transport = ON when all clients can, and no TLS
below 1.2.
Source: MySQL manual, "Using Encrypted Connections"; RFC 8996 (TLS 1.0 and 1.1 are deprecated); see also MySQLTuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._counters import switch
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.checks.mysql.weak_accounts import LOCAL_HOSTS
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Message, Say

CHECK = Check(
    id="mysql.transport_security",
    item="security_configuration_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Connections that can be read on the way", zh="网络连接未加密"),
)
_NO_TLS = Say(en="The server offers no TLS.", zh="服务器未提供 TLS。")
_OLD_TLS = Say(en="The server still accepts {versions}.", zh="服务器仍接受 {versions}。")
_OPTIONAL = Say(
    en="require_secure_transport is off: whoever does not ask for TLS talks in the clear.",
    zh="require_secure_transport 未开启：客户端不主动要求时连接不加密。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    if not listens_to_network(now):
        return
    versions = [each.strip() for each in (variable(now, "tls_version") or "").split(",") if each.strip()]
    old = [each for each in versions if each.upper() in ("TLSV1", "TLSV1.0", "TLSV1.1")]
    if not has_tls(now):
        yield _finding("have_ssl", Severity.NOTICE, _NO_TLS(), "OFF")
        return
    if old:
        yield _finding("tls_version", Severity.NOTICE, _OLD_TLS(versions=", ".join(old)), ",".join(versions))
    if switch(now, "require_secure_transport") is False:
        yield _finding("require_secure_transport", Severity.INFO, _OPTIONAL(), "OFF")


def listens_to_network(now: Snapshot) -> bool:
    """Whether anybody but the machine itself can reach the server."""
    if switch(now, "skip_networking"):
        return False
    bound = [each.strip().lower() for each in (variable(now, "bind_address") or "*").split(",")]
    return not set(bound) <= set(LOCAL_HOSTS)


def has_tls(now: Snapshot) -> bool:
    have = variable(now, "have_ssl")
    return have.upper() == "YES" if have is not None else bool(variable(now, "ssl_cert"))


def _finding(name: str, severity: Severity, message: Message, value: str) -> Finding:
    return Finding(
        CHECK.id, CHECK.item, severity, name, "setting", message, measured(Variable, value=(value, "text")),
        details={"name": name, "value": value},
    )  # fmt: skip
