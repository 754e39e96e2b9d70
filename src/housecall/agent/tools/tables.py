"""Tables and indexes: what they are, how big, how used, and the statement that would create them."""

from typing import Annotated, Any

from pydantic import Field

from housecall.agent.tools.bounded import clip
from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult, ask
from housecall.agent.tools.registry import ToolSpec
from housecall.agent.tools.relations import Relation, find_relation, written_name
from housecall.engines.engine import EngineName, Probe
from housecall.engines.mysql.quoting import qualified as mysql_qualified
from housecall.engines.postgresql.quoting import qualified, quote_identifier
from housecall.errors import StatementFailed
from housecall.wording import Say

MAX_COLUMNS = 40
MAX_INDEXES = 20
MAX_CONSTRAINTS = 20
TableName = Annotated[str, Field(description="Name of the table, with schema if known: public.orders")]


class Column(ToolResult):
    name: str
    type: str
    not_null: bool
    default_value: str | None = None


class Constraint(ToolResult):
    name: str
    table: str
    definition: str
    validated: bool


class Index(ToolResult):
    name: str
    table: str
    definition: str
    size_bytes: int
    scans: int | None
    is_primary: bool
    is_unique: bool
    is_valid: bool
    backs_constraint: bool
    is_visible: bool = True
    rows_read: int | None = None


class TableDescription(ToolResult):
    instance_id: str
    server: EngineName
    table: str
    kind: str
    estimated_rows: float | None
    total_bytes: int
    table_bytes: int
    indexes_bytes: int
    storage_options: str | None
    transaction_age: int | None
    comment: str | None
    live_rows: int | None
    dead_rows: int | None
    changed_rows_since_analyze: int | None
    sequential_scans: int | None
    rows_read_sequentially: int | None
    index_scans: int | None
    inserted_rows: int | None
    updated_rows: int | None
    deleted_rows: int | None
    vacuumed_seconds_ago: float | None
    analyzed_seconds_ago: float | None
    engine: str | None = None
    row_format: str | None = None
    collation: str | None = None
    free_bytes: int | None = None
    next_key: int | None = None
    rows_read: int | None = None
    columns: list[Column]
    columns_total: int
    constraints: list[Constraint]
    referenced_by: list[Constraint]
    indexes: list[Index]
    indexes_total: int


class IndexList(ToolResult):
    """`statistics_age_seconds`: how long scans were counted; None when they were never reset.

    Of all tables, `total_bytes` is by the page counts of the last VACUUM or ANALYZE.
    """

    instance_id: str
    of: str
    indexes: list[Index]
    shown: int
    total: int
    total_bytes: int
    statistics_age_seconds: float | None


class TableStatement(ToolResult):
    instance_id: str
    table: str
    kind: str
    ddl: str


async def describe_table(ctx: Context, table: TableName, instance_id: InstanceId = None) -> TableDescription:
    instance = await ctx.deps.instance(instance_id)
    async with ctx.deps.open_probe(instance) as probe:
        relation = await find_relation(probe, instance.engine, table, instance.id)
        relation = await table_of(probe, instance.engine, relation, instance.id)
        key = relation.key(instance.engine)
        row = (await ask(probe, instance.engine, "table", key))[0]
        if instance.engine == "mysql":
            row = _NOT_COUNTED | row | await _use_of(probe, key)
        columns = await ask(probe, instance.engine, "columns", key)
        constraints = await ask(probe, instance.engine, "constraints", key * 3)
        indexes = await _indexes(probe, instance.engine, relation)
    vacuumed = [row[name] for name in ("vacuumed_seconds_ago", "autovacuumed_seconds_ago") if row[name] is not None]
    analyzed = [row[name] for name in ("analyzed_seconds_ago", "autoanalyzed_seconds_ago") if row[name] is not None]
    same = set(TableDescription.model_fields) & set(row) - {"vacuumed_seconds_ago", "analyzed_seconds_ago", "comment"}
    return TableDescription(
        instance_id=instance.id,
        server=instance.engine,
        table=relation.written(instance.engine),
        kind=relation.kind,
        comment=clip(row["comment"], 200) if row["comment"] else None,
        vacuumed_seconds_ago=round(min(vacuumed)) if vacuumed else None,
        analyzed_seconds_ago=round(min(analyzed)) if analyzed else None,
        columns=[_column(instance.engine, each) for each in columns[:MAX_COLUMNS]],
        columns_total=columns[0]["total"] if columns else 0,
        constraints=[_constraint(each) for each in constraints if each["side"] == "own"][:MAX_CONSTRAINTS],
        referenced_by=[_constraint(each) for each in constraints if each["side"] != "own"][:MAX_CONSTRAINTS],
        indexes=[_index(instance.engine, each) for each in indexes[:MAX_INDEXES]],
        indexes_total=indexes[0]["total"] if indexes else 0,
        **{name: row[name] for name in same},
    )


async def list_indexes(
    ctx: Context,
    instance_id: InstanceId = None,
    table: Annotated[str | None, Field(description="Table or index to look at; all tables when left out")] = None,
) -> IndexList:
    instance = await ctx.deps.instance(instance_id)
    async with ctx.deps.open_probe(instance) as probe:
        relation: Relation | None = None
        if table:
            relation = await find_relation(probe, instance.engine, table, instance.id)
        only = relation.name if relation and relation.table_name else None
        if relation:
            relation = await table_of(probe, instance.engine, relation, instance.id)
        rows = await _indexes(probe, instance.engine, relation)
        up = probe.facts.uptime_seconds
    rows.sort(key=lambda row: row["name"] != only)
    shown = rows[:MAX_INDEXES]
    age = rows[0].get("statistics_age_seconds", up) if rows else None
    return IndexList(
        instance_id=instance.id,
        of=relation.written(instance.engine) if relation else "all tables",
        indexes=[_index(instance.engine, row) for row in shown],
        shown=len(shown),
        total=rows[0]["total"] if rows else 0,
        total_bytes=rows[0]["total_bytes"] if rows else 0,
        statistics_age_seconds=None if age is None else round(age),
    )


async def show_create_table(ctx: Context, table: TableName, instance_id: InstanceId = None) -> TableStatement:
    instance = await ctx.deps.instance(instance_id)
    async with ctx.deps.open_probe(instance) as probe:
        relation = await find_relation(probe, instance.engine, table, instance.id)
        relation = await table_of(probe, instance.engine, relation, instance.id)
        if instance.engine == "mysql":
            ddl = await _shown_by_mysql(probe, relation)
            return TableStatement(
                instance_id=instance.id, table=relation.written(instance.engine), kind=relation.kind, ddl=ddl
            )
        row = (await ask(probe, instance.engine, "table", (relation.oid,)))[0]
        columns = await ask(probe, instance.engine, "columns", (relation.oid,))
        constraints = await ask(probe, instance.engine, "constraints", (relation.oid,) * 3)
        indexes = await ask(probe, instance.engine, "indexes", (relation.oid,) * 3)
    own = [each for each in constraints if each["side"] == "own"]
    ddl = (
        _create_view(relation, row["view_definition"])
        if row["view_definition"]
        else _create_table(relation, row, columns, own, indexes)
    )
    return TableStatement(instance_id=instance.id, table=relation.written(instance.engine), kind=relation.kind, ddl=ddl)


_NOT_COUNTED: dict[str, Any] = dict.fromkeys(
    (
        "transaction_age", "live_rows", "dead_rows", "changed_rows_since_analyze", "sequential_scans", "index_scans",
        "rows_read_sequentially", "inserted_rows", "updated_rows", "deleted_rows", "vacuumed_seconds_ago",
        "autovacuumed_seconds_ago", "analyzed_seconds_ago", "autoanalyzed_seconds_ago",
    )
)  # fmt: skip
"""What PostgreSQL counts of a table and MySQL does not, or only where the account may see it."""


async def table_of(probe: Probe, engine: EngineName, relation: Relation, instance_id: str) -> Relation:
    """The table that an index belongs to; any other relation as it is."""
    if not relation.table_name:
        return relation
    if engine == "mysql":  # where an index may have the name of a table
        return Relation(0, relation.schema_name, relation.table_name, "table", None)
    return await find_relation(probe, engine, qualified(relation.schema_name, relation.table_name), instance_id)


async def _indexes(probe: Probe, engine: EngineName, relation: Relation | None) -> list[dict[str, Any]]:
    if engine == "mysql":
        schema, name = (relation.schema_name, relation.name) if relation else (None, None)
        return await ask(probe, engine, "indexes", (schema, schema, name))
    return await ask(probe, engine, "indexes", (relation.oid if relation else None,) * 3)


async def _use_of(probe: Probe, key: tuple[Any, ...]) -> dict[str, Any]:
    """Counters and age of statistics of a MySQL table, as far as the account may see them."""
    found: dict[str, Any] = {}
    for question in ("table_use", "table_statistics"):
        if question == "table_use" and "performance_schema" not in probe.facts.extensions:
            continue
        try:
            found |= next(iter(await ask(probe, "mysql", question, key)), {})
        except StatementFailed as error:
            if "denied" not in error.message:
                raise
    return found


async def _shown_by_mysql(probe: Probe, relation: Relation) -> str:
    kind = "VIEW" if relation.kind == "view" else "TABLE"
    name = mysql_qualified(relation.schema_name, relation.name)
    result = await probe.query_trusted(f"SHOW CREATE {kind} {name}")
    return f"{result.rows[0][1]};"


def _create_view(relation: Relation, definition: str) -> str:
    return f"CREATE {relation.kind.upper()} {qualified(relation.schema_name, relation.name)} AS\n{definition}"


def _create_table(
    relation: Relation,
    row: dict[str, Any],
    columns: list[dict[str, Any]],
    constraints: list[dict[str, Any]],
    indexes: list[dict[str, Any]],
) -> str:
    parts = [_column_sql(each) for each in columns]
    parts += [f"CONSTRAINT {quote_identifier(each['name'])} {each['definition']}" for each in constraints]
    unlogged = "UNLOGGED " if row["persistence"] == "u" else ""
    text = (
        f"CREATE {unlogged}TABLE {qualified(relation.schema_name, relation.name)} (\n    "
        + ",\n    ".join(parts)
        + "\n)"
    )
    if row["partition_key"]:
        text += f"\nPARTITION BY {row['partition_key']}"
    if row["storage_options"]:
        text += f"\nWITH ({row['storage_options']})"
    lines = [text + ";", *(each["definition"] + ";" for each in indexes if not each["backs_constraint"])]
    return "\n".join(lines)


def _column_sql(column: dict[str, Any]) -> str:
    text = f"{quote_identifier(column['name'])} {column['type']}"
    if column["identity"]:
        text += f" GENERATED {'ALWAYS' if column['identity'] == 'a' else 'BY DEFAULT'} AS IDENTITY"
    elif column["generated"]:
        text += (
            f" GENERATED ALWAYS AS ({column['default_value']}) {'STORED' if column['generated'] == 's' else 'VIRTUAL'}"
        )
    elif column["default_value"]:
        text += f" DEFAULT {column['default_value']}"
    return text + (" NOT NULL" if column["not_null"] else "")


def _column(engine: EngineName, row: dict[str, Any]) -> Column:
    default = clip(row["default_value"], 60) if row["default_value"] else None
    name = written_name(engine, None, row["name"])
    return Column(name=name, type=row["type"], not_null=row["not_null"], default_value=default)


def _constraint(row: dict[str, Any]) -> Constraint:
    return Constraint(
        name=row["name"], table=row["table_name"], definition=clip(row["definition"], 160), validated=row["validated"]
    )


def _index(engine: EngineName, row: dict[str, Any]) -> Index:
    return Index(
        name=written_name(engine, None, row["name"]),
        table=written_name(engine, row["schema_name"], row["table_name"]),
        definition=clip(row["definition"], 200),
        size_bytes=row["size_bytes"],
        scans=row["scans"],
        is_primary=row["is_primary"],
        is_unique=row["is_unique"],
        is_valid=row["is_valid"],
        backs_constraint=row["backs_constraint"],
        is_visible=bool(row.get("is_visible", True)),
        rows_read=row.get("rows_read"),
    )


TOOLS = (
    ToolSpec(
        "describe_table",
        "read",
        Say(
            en="One table: columns, size, rows, dead rows, scans, last vacuum and analyze, constraints, indexes.",
            zh="单个表：列、大小、行数、死元组、扫描次数、最近的 vacuum 和 analyze、约束、索引。",
            tc="單一資料表：欄位、大小、列數、死元組、掃描次數、最近的 vacuum 與 analyze、限制條件、索引。",
            ja="一つの表：列、サイズ、行数、不要行、スキャン数、直近の vacuum と analyze、制約、索引。",
        ),
        describe_table,
    ),
    ToolSpec(
        "list_indexes",
        "read",
        Say(
            en="Indexes of one table or of all, the biggest first, with size, scans and definition.",
            zh="一个表或所有表的索引，按大小排序，含大小、扫描次数和定义。",
            tc="一個或所有資料表的索引，依大小排序，含大小、掃描次數與定義。",
            ja="一つまたは全ての表の索引（大きい順、サイズ・スキャン数・定義付き）。",
        ),
        list_indexes,
    ),
    ToolSpec(
        "show_create_table",
        "read",
        Say(
            en="The CREATE statement of a table or view, with constraints and indexes, composed from the catalogue.",
            zh="表或视图的建表语句（含约束和索引），由系统目录生成。",
            tc="資料表或檢視的建立陳述式（含限制條件與索引），由系統目錄產生。",
            ja="表またはビューの CREATE 文（制約と索引を含む、カタログから作成）。",
        ),
        show_create_table,
    ),
)
