"""What can be changed on a MySQL or MariaDB server: one table of tools, how each is composed, measured and looked up.

Tools that mean nothing here (VACUUM, replication slots) are known all the same, and say what is there instead.
"""

from housecall.engines.kinds import ChangerOfKinds, Kind
from housecall.engines.mysql.changes import absent, indexes, parameters, sessions, statement, tables
from housecall.engines.mysql.writer import open_writer

KINDS: dict[str, Kind] = {
    "cancel_query": Kind(
        sessions.SessionArguments, sessions.compose_cancel, sessions.measure, sessions.look_up, sessions.settle
    ),
    "terminate_session": Kind(
        sessions.SessionArguments, sessions.compose_terminate, sessions.measure, sessions.look_up, sessions.settle
    ),
    "create_index": Kind(indexes.CreateIndexArguments, indexes.compose_create, indexes.measure, indexes.look_up),
    "drop_index": Kind(indexes.IndexArguments, indexes.compose_drop, indexes.measure, indexes.look_up),
    "rebuild_index": Kind(indexes.IndexArguments, tables.compose_rebuild, tables.measure, tables.look_up),
    "analyze_table": Kind(tables.TableArguments, tables.compose_analyze, tables.measure, tables.look_up),
    "set_table_option": Kind(tables.OptionArguments, tables.compose_option, tables.measure, tables.look_up),
    "set_parameter": Kind(parameters.ParameterArguments, parameters.compose, parameters.measure, parameters.look_up),
    "execute_sql": Kind(statement.StatementArguments, statement.compose, statement.measure, statement.look_up),
    "vacuum_table": Kind(absent.AnyArguments, absent.vacuum, absent.measure, absent.look_up),
    "drop_replication_slot": Kind(absent.AnyArguments, absent.slot, absent.measure, absent.look_up),
}

CHANGER = ChangerOfKinds(KINDS, open_writer)
