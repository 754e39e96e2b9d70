"""Which functions of MySQL and MariaDB the guard lets through, and why it refuses the others."""

import importlib.resources
import re
from functools import cache

from housecall.engines.guard.verdict import Refusal, RuleCode


@cache
def harmless_functions() -> frozenset[str]:
    """Built-in functions that read and compute only; see the head of the file for how the list was made."""
    file = importlib.resources.files("housecall.engines.guard") / "mysql_functions.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(name for line in lines if not line.startswith("#") for name in line.split())


# A call of these has an effect, which a read-only transaction does not stop. First match decides.
_EFFECTS: tuple[tuple[str, RuleCode, str], ...] = (
    (
        (
            r"(pg_)?sleep|benchmark|(master|source)_(pos|gtid)_wait|wait_(for_executed_gtid_set|until_sql_thread_after_gtids)"
            r"|wsrep_sync_wait_upto_gtid"
        ),
        "function_sleeps",
        "keeps a connection busy for nothing; leave it out",
    ),
    (r"load_file", "function_reads_files", "reads a file of the server; ask for the reading that holds the figure"),
    (
        r"get_lock|release_lock|release_all_locks|service_(get|release)_.*locks?",
        "function_locks",
        "takes or gives up locks; read performance_schema.metadata_locks instead",
    ),
    (r"nextval|setval|lastval", "function_changes_sequence", "moves a sequence or depends on the session's last value"),
    (
        r"last_insert_id",
        "function_changes_session",
        "can set the session's last id; read the table's AUTO_INCREMENT instead",
    ),
    (
        r"sys_(exec|eval|get|set)|lib_mysqludf_.*|ps_(setup|truncate|trace)_.*",
        "function_runs_sql",
        "runs programs or statements out of the text of its argument",
    ),
    (
        (
            r"(asynchronous_connection|group_replication|keyring|mysql_firewall|audit_log|audit_api|version_tokens|gen_(blocklist|"
            r"dictionary|range|rnd)|mask|set_(firewall|user)|mysqlx?_|rds|binlog_gtid)_?.*"
        ),
        "function_has_effect",
        "changes the server or reads its secrets, or can do so",
    ),
)


def refuse_unless_harmless(parts: tuple[str, ...], known_stored: frozenset[str]) -> None:
    """Raises Refusal for a call of anything but a harmless built-in. `parts` is the name, qualified as written.

    Planning is no exception here: the optimizer of MySQL and MariaDB runs a function with constant arguments.
    """
    name, shown = parts[-1], ".".join(parts)
    if name not in harmless_functions():
        effect = next(((code, why) for pattern, code, why in _EFFECTS if re.fullmatch(pattern, name)), None)
        if effect is not None:
            raise Refusal(effect[0], f"Function {shown} is refused: it {effect[1]}.")
    if len(parts) > 1:
        raise Refusal(
            "function_not_known",
            f"Function {shown} is refused: a function of a database is stored code of a user and may do anything. "
            "Use tables, views and built-in functions.",
        )
    if name in known_stored:
        raise Refusal(
            "function_not_known",
            f"Function {shown} is refused: this server has a stored or loaded function of that name, which may "
            f"be the one that "
            "runs.",
        )
    if name not in harmless_functions():
        raise Refusal(
            "function_not_known",
            f"Function {shown} is refused: it is not one of the built-in functions known to be harmless, so it "
            f"may be a user's "
            "own and may do anything. Use tables, views and built-in functions.",
        )
