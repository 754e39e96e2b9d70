"""What other tools say of the same server, mapped to causes by fixed rules: baselines where they are installed.

A tool sees the server right after the diagnosis, with all rights. Each thing that it complains of counts as a
cause of severity warning, in the tool's own order; what the rules do not know is left out, which favours the tool. One
that is not installed, that fails or that takes too long is not scored.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Address = Mapping[str, str]
Rules = Sequence[tuple[str, str, str]]
"""Pattern of a line, id of the cause, its object; `\\1` in the object is what the pattern caught."""
LIMIT_SECONDS = 30.0

MYSQLTUNER: Rules = (
    (r"innodb.buffer.pool.*data size|InnoDB read buffer efficiency", "buffer_too_small", "innodb_buffer_pool_size"),
    (r"temporary tables created on disk", "temporary_tables_on_disk", "tmp_table_size"),
    (r"sorts requiring temporary tables", "sort_spill", "sort_buffer_size"),
    (r"joins performed without indexes", "missing_index", ""),
    (r"table cache hit rate", "table_cache_small", "table_open_cache"),
    (r"thread cache", "connection_churn", "thread_cache_size"),
    (r"highest (usage|connection)", "connection_saturation", ""),
    (r"query cache", "query_cache_contention", "query_cache_size"),
    (r"InnoDB log file size|InnoDB log waits", "redo_log_too_small", "innodb_log_file_size"),
    (r"anonymous|(?:no|without|same|empty).*passwords?", "weak_authentication", ""),
    (r"doublewrite", "dangerous_setting", "innodb_doublewrite"),
    (r"flush_log_at_trx_commit", "dangerous_setting", "innodb_flush_log_at_trx_commit"),
    (r"(\S+\.\S+).*no primary key|primary key.*: (\S+)", "no_primary_key", r"\1"),
    (r"fragmented tables", "fragmentation", ""),
    (r"table locks acquired|MyISAM", "table_level_locking", ""),
    (r"slave.*lag|replica.*behind", "replica_lag", ""),
    (r"slave is not running|replica.*not running", "replica_stopped", ""),
    (r"auto.?increment", "key_exhaustion", ""),
    (r"binlog.*expire|expire_logs", "binlog_not_purged", ""),
)  # fmt: skip
DUPLICATE_KEYS: Rules = ((r"^ALTER TABLE (\S+) DROP INDEX (\S+?)[,;]", "duplicate_index", r"\1.\2"),)


@dataclass(frozen=True, slots=True)
class Tool:
    """`complaints` gets what the tool printed and gives the lines that complain."""

    title: str
    engine: str
    program: str
    output: Callable[[Address], str]
    complaint: str
    rules: Rules

    def is_installed(self) -> bool:
        return shutil.which(self.program) is not None

    def causes(self, address: Address) -> list[dict[str, Any]] | None:
        """The tool's complaints as causes, or None when it could not look."""
        try:
            printed = self.output(address)
        except (OSError, subprocess.SubprocessError, TimeoutError):
            return None
        return causes_of(printed, self.complaint, self.rules)


def causes_of(printed: str, complaint: str, rules: Rules) -> list[dict[str, Any]]:
    """Each complaint under the first rule that knows it; the same cause once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in printed.splitlines():
        if re.search(complaint, line):
            for pattern, cause_id, name in rules:
                match = re.search(pattern, line, re.I)
                if match:
                    key = (cause_id, _filled(name, match))
                    found.setdefault(key, _cause(*key))
                    break
    return list(found.values())


def _filled(name: str, match: re.Match[str]) -> str:
    return re.sub(r"\\(\d)", lambda each: match[int(each[1])] or "", name)


def _cause(cause_id: str, name: str) -> dict[str, Any]:
    return {"id": cause_id, "object": name, "severity": "warning", "past": False, "remedies": []}


def _printed(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL, check=False
    )
    return done.stdout


def _mysqltuner(address: Address) -> str:
    """Without its list of common passwords: it asks for each by a function that MySQL 8 has no more."""
    return _printed([
        "mysqltuner", "--host", "127.0.0.1", "--port", address["port"], "--user", address["user"],
        "--pass", address["password"], "--nocolor", "--nogood", "--noinfo", "--skippassword",
    ])  # fmt: skip


def _duplicate_keys(address: Address) -> str:
    where = f"S={address['socket']},u={address['user']},p={address['password']}"
    return _printed(["pt-duplicate-key-checker", where, "--databases", address["database"]])


TOOLS = (
    Tool("MySQLTuner", "mysql", "mysqltuner", _mysqltuner, r"^\s*\[!!\] (?!FAIL|Failed)", MYSQLTUNER),
    Tool("pt-duplicate-key-checker", "mysql", "pt-duplicate-key-checker", _duplicate_keys, "^ALTER", DUPLICATE_KEYS),
)  # fmt: skip


def installed_for(engine: str) -> list[Tool]:
    """The tools for an engine (`mysql` stands for both flavours) that this machine has."""
    return [each for each in TOOLS if each.engine == engine and each.is_installed()]
