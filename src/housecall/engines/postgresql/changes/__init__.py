"""What can be changed on a PostgreSQL server: one table of tools, how each is composed, measured and looked up."""

from housecall.engines.kinds import ChangerOfKinds, Kind
from housecall.engines.postgresql.changes import indexes, parameters, sessions, slots, statement, tables
from housecall.engines.postgresql.writer import open_writer

KINDS: dict[str, Kind] = {
    "cancel_query": Kind(
        sessions.SessionArguments, sessions.compose_cancel, sessions.measure, sessions.look_up, sessions.settle
    ),
    "terminate_session": Kind(
        sessions.SessionArguments, sessions.compose_terminate, sessions.measure, sessions.look_up, sessions.settle
    ),
    "create_index": Kind(
        indexes.CreateIndexArguments, indexes.compose_create, indexes.measure, indexes.look_up, None, indexes.leftovers
    ),
    "drop_index": Kind(
        indexes.IndexArguments, indexes.compose_drop, indexes.measure, indexes.look_up, None, indexes.leftovers
    ),
    "rebuild_index": Kind(
        indexes.IndexArguments, indexes.compose_rebuild, indexes.measure, indexes.look_up, None, indexes.leftovers
    ),
    "analyze_table": Kind(tables.TableArguments, tables.compose_analyze, tables.measure, tables.look_up),
    "vacuum_table": Kind(tables.VacuumArguments, tables.compose_vacuum, tables.measure, tables.look_up),
    "set_table_option": Kind(tables.OptionArguments, tables.compose_option, tables.measure, tables.look_up),
    "set_parameter": Kind(parameters.ParameterArguments, parameters.compose, parameters.measure, parameters.look_up),
    "drop_replication_slot": Kind(slots.SlotArguments, slots.compose, slots.measure, slots.look_up),
    "execute_sql": Kind(statement.StatementArguments, statement.compose, statement.measure, statement.look_up),
}

CHANGER = ChangerOfKinds(KINDS, open_writer)
