"""The tools that change something. Each only says what is wanted, in names and values; statements are composed by the
engine, and a person or the rules decide (`agent/changes.py`)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from housecall.agent.tools.catalogue import Context, InstanceId
from housecall.agent.tools.registry import ToolSpec
from housecall.wording import Say

Wanted = dict[str, Any]
WantsPerson = Annotated[bool, Field(description="True asks a person even where the rules would let it pass")]
Pid = Annotated[int, Field(description="Process id as list_sessions or show_blocking tells it")]
Table = Annotated[str, Field(description="Name, as table or schema.table")]
Index = Annotated[str, Field(description="Name, as index or schema.index")]


async def cancel_query(
    ctx: Context,  # noqa: ARG001 - every tool has it
    pid: Pid,
    instance_id: InstanceId = None,  # noqa: ARG001 - read by whoever carries it out
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"pid": pid}


async def terminate_session(
    ctx: Context,  # noqa: ARG001
    pid: Pid,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"pid": pid}


async def create_index(
    ctx: Context,  # noqa: ARG001
    table: Table,
    columns: Annotated[list[str], Field(description="Column names in order; no expressions")],
    include: Annotated[list[str] | None, Field(description="Columns that are only carried along")] = None,
    unique: bool = False,
    method: Literal["btree", "hash", "gin", "gist", "brin"] = "btree",
    name: Annotated[str | None, Field(description="Name of the index; a free one is chosen without it")] = None,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {
        "table": table, "columns": columns, "include": include or [], "unique": unique, "method": method, "name": name,
    }  # fmt: skip


async def drop_index(
    ctx: Context,  # noqa: ARG001
    index: Index,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"index": index}


async def rebuild_index(
    ctx: Context,  # noqa: ARG001
    index: Index,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"index": index}


async def analyze_table(
    ctx: Context,  # noqa: ARG001
    table: Table,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"table": table}


async def vacuum_table(
    ctx: Context,  # noqa: ARG001
    table: Table,
    analyze: Annotated[bool, Field(description="Collect statistics as well")] = True,
    freeze: Annotated[bool, Field(description="Freeze old rows, against transaction id wraparound")] = False,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"table": table, "analyze": analyze, "freeze": freeze}


async def set_table_option(
    ctx: Context,  # noqa: ARG001
    table: Table,
    option: Annotated[str, Field(description="Storage option, such as autovacuum_vacuum_scale_factor")],
    value: Annotated[str | None, Field(description="Its value; none resets it")] = None,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"table": table, "option": option, "value": value}


async def set_parameter(
    ctx: Context,  # noqa: ARG001
    name: Annotated[str, Field(description="Parameter, such as work_mem")],
    value: Annotated[str | None, Field(description="Its value with unit, such as 64MB; none resets it")] = None,
    scope: Annotated[
        Literal["system", "role", "database"], Field(description="For the whole server, a role, or a database")
    ] = "system",
    target: Annotated[str | None, Field(description="Name of the role or database")] = None,
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"name": name, "value": value, "scope": scope, "target": target}


async def drop_replication_slot(
    ctx: Context,  # noqa: ARG001
    slot: Annotated[str, Field(description="Name of the slot")],
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"slot": slot}


async def execute_sql(
    ctx: Context,  # noqa: ARG001
    sql: Annotated[str, Field(description="One statement, exactly as it is to run")],
    instance_id: InstanceId = None,  # noqa: ARG001
    wants_person: WantsPerson = False,  # noqa: ARG001
) -> Wanted:
    return {"sql": sql}


TOOLS = (
    ToolSpec(
        "cancel_query",
        "write",
        Say(
            "Cancel the running statement of one session; the session stays. Approval as the mode says.",
            "取消某个会话正在执行的语句，会话保留。按审批模式执行。",
            "取消某個工作階段正在執行的陳述式，工作階段保留。依審批模式執行。",
            "セッションで実行中の文を取り消す(セッションは残る)。承認モードに従う。",
        ),
        cancel_query,
    ),
    ToolSpec(
        "terminate_session",
        "write",
        Say(
            "End one session; its open transaction is rolled back. Only for a blocker, never for a session that waits.",
            "终止一个会话，其未提交的事务会回滚。只用于阻塞者，不用于等待者。",
            "終止一個工作階段，其未提交的交易會回復。只用於阻塞者，不用於等待者。",
            "セッションを終了する。未コミットの処理は取り消される。ブロックしている側にだけ使う。",
        ),
        terminate_session,
    ),
    ToolSpec(
        "create_index",
        "write",
        Say(
            "Create an index concurrently on columns of a table.",
            "在表的列上并发创建索引（不阻塞读写）。",
            "在資料表的欄位上並行建立索引（不阻塞讀寫）。",
            "表の列に索引を並行作成する(読み書きは止まらない)。",
        ),
        create_index,
    ),
    ToolSpec(
        "drop_index",
        "write",
        Say(
            "Drop an index concurrently. Its definition is kept for the way back.",
            "并发删除索引，并保留其定义以便恢复。",
            "並行刪除索引，並保留其定義以便復原。",
            "索引を並行削除する。元に戻すための定義は保存される。",
        ),
        drop_index,
    ),
    ToolSpec(
        "rebuild_index",
        "write",
        Say(
            "Rebuild an index concurrently, for one that is bloated or invalid.",
            "并发重建索引，用于膨胀或无效的索引。",
            "並行重建索引，用於膨脹或無效的索引。",
            "肥大化した、または無効な索引を並行再構築する。",
        ),
        rebuild_index,
    ),
    ToolSpec(
        "analyze_table",
        "write",
        Say(
            "Collect the planner's statistics of a table (ANALYZE).",
            "收集表的优化器统计信息（ANALYZE）。",
            "收集資料表的最佳化器統計資訊（ANALYZE）。",
            "表のプランナ統計を収集する(ANALYZE)。",
        ),
        analyze_table,
    ),
    ToolSpec(
        "vacuum_table",
        "write",
        Say(
            "Remove dead rows of a table (VACUUM, never FULL).",
            "清理表中的死元组（VACUUM，不使用 FULL）。",
            "清理資料表中的死元組（VACUUM，不使用 FULL）。",
            "表の不要行を回収する(VACUUM。FULLは使わない)。",
        ),
        vacuum_table,
    ),
    ToolSpec(
        "set_table_option",
        "write",
        Say(
            "Set or reset a storage option of a table, such as its autovacuum thresholds or fillfactor.",
            "设置或重置表的存储选项，例如 autovacuum 阈值或 fillfactor。",
            "設定或重設資料表的儲存選項，例如 autovacuum 閾值或 fillfactor。",
            "表の格納オプション(autovacuumのしきい値やfillfactorなど)を設定または解除する。",
        ),
        set_table_option,
    ),
    ToolSpec(
        "set_parameter",
        "write",
        Say(
            "Set or reset a parameter for the whole server, a role or a database; tells when it needs a restart.",
            "为整个服务器、角色或数据库设置或重置参数，并说明是否需要重启。",
            "為整個伺服器、角色或資料庫設定或重設參數，並說明是否需要重新啟動。",
            "サーバ全体、ロール、またはデータベースのパラメータを設定または解除する。再起動の要否も示す。",
        ),
        set_parameter,
    ),
    ToolSpec(
        "drop_replication_slot",
        "write",
        Say(
            "Drop a replication slot that nobody uses; it cannot be undone.",
            "删除无人使用的复制槽，无法撤销。",
            "刪除無人使用的複寫槽，無法復原。",
            "使われていないレプリケーションスロットを削除する。元に戻せない。",
        ),
        drop_replication_slot,
    ),
    ToolSpec(
        "execute_sql",
        "write",
        Say(
            "Execute one SQL statement as it stands; always asks a person. Prefer a tool made for the purpose.",
            "按原样执行一条 SQL 语句，总是需要人工批准。有专用工具时优先使用专用工具。",
            "依原樣執行一條 SQL 陳述式，一律需要人工核准。有專用工具時優先使用專用工具。",
            "SQL文を一つそのまま実行する。必ず人の承認を求める。専用のツールがあればそちらを使う。",
        ),
        execute_sql,
    ),
)
