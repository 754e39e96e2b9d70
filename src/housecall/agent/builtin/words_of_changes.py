"""The sentences in which the diagnostician tells how a change went."""

from collections.abc import Mapping

from housecall.wording import Say

DONE = Say("**Done on {instance}, in {seconds:duration}.**", "**已在 {instance} 上执行，用时 {seconds:duration}。**")
DONE_BEFORE = Say(
    "**Done on {instance}.** Housecall was interrupted while it ran; it was not run a second time.",
    "**已在 {instance} 上执行。** 执行期间 Housecall 被中断；没有重复执行。",
)
NOT_DONE = Say("**Not done.**", "**未执行。**")
UNKNOWN = Say(
    "**It is not known whether this was done.** It was not repeated; look before you ask for it again.",
    "**无法确定是否已执行。** 没有重复执行；再次请求之前请先确认。",
)
HELPED = Say("Measured before and after:", "执行前后的测量值：")
NO_DIFFERENCE = Say("What was measured before and after is the same.", "执行前后的测量值没有变化。")
ROWS = Say("{rows:count} row{rows:|s} {rows:was|were} touched", "影响了 {rows:count} 行")
UNDO = Say("Undo", "回退")
CLEAN_UP = Say("It left something behind; remove it:", "它留下了残余，请清理：")
RESTART = Say("**The value is used after the server is restarted.**", "**需要重启服务器后才会生效。**")
READ_ONLY = Say(
    "**This conversation is read_only, so I change nothing.** A person can run:",
    "**当前会话为 read_only 模式，我不做修改。** 可由人工执行：",
)
MEASURES: Mapping[str, Say] = {
    "session_present": Say("session there", "会话存在"),
    "waiting_behind_it": Say("sessions waiting behind it", "在其后等待的会话数"),
    "waiting_for_locks": Say("sessions waiting for locks", "等待锁的会话数"),
    "index_exists": Say("index there", "索引存在"),
    "index_bytes": Say("bytes of the index", "索引字节数"),
    "index_valid": Say("index valid", "索引有效"),
    "planner_cost": Say("planner's cost of finding rows by these columns", "按这些列查找行的规划代价"),
    "planner_uses": Say("the planner uses", "优化器使用"),
    "changed_since_analyze": Say("rows changed since the last ANALYZE", "上次 ANALYZE 之后变更的行数"),
    "analyzed_at": Say("last ANALYZE", "上次 ANALYZE"),
    "estimated_rows": Say("rows that the planner assumes", "优化器估计的行数"),
    "dead_rows": Say("dead rows", "死元组数"),
    "vacuumed_at": Say("last VACUUM", "上次 VACUUM"),
    "transaction_id_age": Say("age of the oldest transaction id", "最老事务号的年龄"),
    "table_bytes": Say("bytes of the table", "表字节数"),
    "value": Say("value", "值"),
    "set_to": Say("set to", "设置为"),
    "waits_for_restart": Say("waits for a restart", "等待重启"),
    "slot_exists": Say("slot there", "复制槽存在"),
    "retained_bytes": Say("bytes of WAL kept for it", "为其保留的 WAL 字节数"),
}
