"""Which functions of PostgreSQL the guard lets through, and why it refuses the others."""

import importlib.resources
import re
from functools import cache

from housecall.engines.guard.verdict import Refusal, RuleCode


def _names_in(text: str) -> frozenset[str]:
    return frozenset(name for line in text.splitlines() if not line.startswith("#") for name in line.split())


@cache
def harmless_functions() -> frozenset[str]:
    """Built-in functions that read and compute only; see the head of the file for how the list was made."""
    file = importlib.resources.files("housecall.engines.guard") / "postgresql_functions.txt"
    return _names_in(file.read_text(encoding="utf-8"))


# A call of these has an effect, which a read-only transaction does not stop. First match decides.
_EFFECTS: tuple[tuple[str, RuleCode, str], ...] = (
    (
        r"(pg_)?sleep(_for|_until)?|benchmark",
        "function_sleeps",
        "keeps a connection busy for nothing; leave it out",
    ),
    (
        r"lo_.*|lo(read|write|import|export)",
        "large_object",
        "works on large objects and can read and write files of the server; look at pg_largeobject_metadata instead",
    ),
    (
        (
            r"pg_read_.*|pg_ls_.*|pg_stat_file|pg_current_logfile|load_file|pg_(hba_file_rules|ident_file_mappings)"
            r"|pg_show_all_file_settings|pg_file_.*|pg_logdir_ls|pg_wal_summary_contents|pg_available_wal_summaries"
            r"|pg_config|pg_tablespace_databases|pg_timezone_.*|pg_logfile_.*"
        ),
        "function_reads_files",
        "reads files of the server; ask for the reading or the system view that holds the figure",
    ),
    (
        r"(query|table|schema|database|cursor)_to_xml.*|ts_stat|ts_rewrite|dblink.*|xpath_table|connectby|crosstab.*",
        "function_runs_sql",
        (
            "runs SQL or reads tables out of the text of its argument, where it cannot be examined; "
            "write that query as the statement itself"
        ),
    ),
    (
        r"pg_(terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile.*|pg_promote|pg_log_.*|pg_notify",
        "function_signals",
        "acts on other sessions or on the server; ask for a remedy, which a person approves",
    ),
    (
        r"pg_(try_)?advisory_.*|get_lock|release_lock|release_all_locks",
        "function_locks",
        "takes or gives up locks; look at pg_locks instead",
    ),
    (
        r"pg_stat_(reset|clear|force|.*_reset).*",
        "function_resets_statistics",
        "changes the server's statistics, which ROLLBACK does not undo; compare two snapshots instead",
    ),
    (
        r"set_config|setseed",
        "function_changes_session",
        "changes settings of the session; read current_setting instead",
    ),
    (
        r"txid_current|pg_current_xact_id",
        "function_has_effect",
        "assigns a transaction id; use pg_current_xact_id_if_assigned or pg_current_snapshot instead",
    ),
    (r"nextval|setval", "function_changes_sequence", "moves a sequence; read last_value from pg_sequences instead"),
    (
        (
            r"pg_logical_.*|pg_replication_(slot|origin)_.*|pg_(create|drop|copy)_.*|pg_switch_wal|pg_wal_replay_.*"
            r"|pg_(backup|start|stop)_.*|pg_sync_replication_slots"
        ),
        "function_changes_replication",
        (
            "changes replication, slots, backups or the write-ahead log; look at pg_replication_slots and "
            "pg_stat_replication instead"
        ),
    ),
    (
        (
            r"pg_export_snapshot"
            r"|binary_upgrade_.*|pg_(clear|restore|set)_.*|brin_.*|gin_.*|pg_import_.*|pg_extension_config_dump|pg_nextoid"
            r"|currtid2|pg_replication_origin_oid|pg_input_.*|factorial|array_fill|.*_validator|amvalidate|pg_event_trigger_.*"
            r"|pg_stop_making_pinned_objects|pg_isolation_.*|pg_rewind_.*"
        ),
        "function_has_effect",
        "changes the session or the server, or can do so; nothing that is only read needs it",
    ),
)


def effect_of(name: str) -> tuple[RuleCode, str] | None:
    """The rule and the reason against a function that is known to have an effect; None for any other name."""
    if name in harmless_functions():
        return None
    return next(((code, why) for pattern, code, why in _EFFECTS if re.fullmatch(pattern, name)), None)


def refuse_unless_harmless(parts: tuple[str, ...], known_volatile: frozenset[str], *, plans_only: bool = False) -> None:
    """Raises Refusal for a call of anything but a harmless built-in. `parts` is the name, qualified as written.

    With `plans_only` a user's function passes: planning does not run a volatile one, and one that is declared immutable
    or stable only with constant arguments, inside the read-only transaction and its time limit.
    """
    name, shown = parts[-1], ".".join(parts)
    effect = effect_of(name)
    if effect is not None:
        raise Refusal(effect[0], f"Function {shown} is refused: it {effect[1]}.")
    if plans_only:
        return
    schema_is_ours = parts[:-1] in ((), ("pg_catalog",)) or (
        parts[:-1] == ("information_schema",) and name.startswith("_pg_")
    )
    if not schema_is_ours:
        raise Refusal(
            "function_not_known",
            f"Function {shown} is refused: it belongs to schema {parts[-2]}, so its code is a user's and may do "
            f"anything. "
            "Use tables, views and built-in functions.",
        )
    if name in known_volatile and len(parts) == 1:
        raise Refusal(
            "function_not_known",
            f"Function {shown} is refused: this server has a volatile function of that name, which may be the one that "
            f"runs. Write pg_catalog.{name} if the built-in is meant.",
        )
    if name not in harmless_functions():
        raise Refusal(
            "function_not_known",
            f"Function {shown} is refused: it is not one of the built-in functions known to be harmless, so it "
            f"may be a "
            "user's own and may do anything. Use tables, views and built-in functions.",
        )


# Names of effects that are also names of views of the catalogue; their functions take no argument.
_VIEWS = frozenset(
    {"pg_hba_file_rules", "pg_ident_file_mappings", "pg_timezone_names", "pg_timezone_abbrevs", "pg_config"}
    | {"pg_file_settings", "pg_replication_origin_status"}
)
_CATALOGUE = re.compile(
    r"pg_.*|lo_(close|creat|create|export|from_bytea|get|import|lseek|lseek64|open|put|tell|tell64|truncate|truncate64|unlink)"
    r"|loread|lowrite|nextval|setval|currtid2|set_config|setseed|ts_stat|ts_rewrite|.*_to_xml.*|factorial|txid_current"
    r"|brin_(de)?summarize_.*|gin_clean_pending_list|amvalidate|binary_upgrade_.*"
)


def refuse_attribute(name: str, known_volatile: frozenset[str]) -> None:
    """Raises Refusal for `value.name` that PostgreSQL would run as `name(value)`.

    Measured on 15 and 18: `(1).pg_sleep`, `(4711).pg_terminate_backend` and `x.pg_sleep FROM generate_series(1, 1) x`
    all run the function, in a read-only transaction too.
    """
    effect = effect_of(name) if name not in _VIEWS and _CATALOGUE.fullmatch(name) else None
    if effect is not None or name in known_volatile:
        why = effect[1] if effect else "is volatile on this server"
        raise Refusal(
            "attribute_call",
            f"The attribute .{name} is refused: PostgreSQL runs it as the function {name}(), which {why}.",
        )
