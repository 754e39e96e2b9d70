# ruff: noqa: E501 - a sentence and its translation stand side by side
"""The sentences of the diagnostician, English and Simplified Chinese side by side."""

from housecall.wording import Say

SEVERITIES = {
    "critical": Say("critical", "严重"),
    "warning": Say("warning", "警告"),
    "notice": Say("notice", "提示"),
    "info": Say("info", "信息"),
}
RISKS = {"low": Say("low", "低"), "medium": Say("medium", "中"), "high": Say("high", "高")}
TOPIC_NAMES = {
    "locks": Say("locks and blocking", "锁与阻塞"),
    "statements": Say("slow statements", "慢语句"),
    "connections": Say("connections", "连接"),
    "vacuum": Say("vacuum and dead rows", "清理（vacuum）与死元组"),
    "wraparound": Say("transaction id wraparound", "事务号回卷"),
    "disk": Say("disk space", "磁盘空间"),
    "indexes": Say("indexes", "索引"),
    "configuration": Say("configuration", "配置"),
    "replication": Say("replication", "复制"),
    "memory": Say("memory and cache", "内存与缓存"),
    "keys": Say("keys and sequences", "主键与序列"),
    "unused_indexes": Say("unused indexes", "未使用的索引"),
    "duplicate_indexes": Say("duplicate indexes", "重复的索引"),
    "foreign_keys": Say("foreign keys without an index", "缺少索引的外键"),
    "slowness": Say("slowness", "变慢"),
    "network": Say("the network", "网络"),
    "cpu": Say("the CPU", "CPU"),
}

TOPIC_NAMES_MYSQL = {
    "vacuum": Say("old row versions and free space in tables", "旧行版本与表内空闲空间"),
    "wraparound": Say("transaction ids (InnoDB has no wraparound to fear)", "事务号（InnoDB 不存在回卷问题）"),
    "keys": Say("keys and AUTO_INCREMENT", "主键与 AUTO_INCREMENT"),
}

URGENT = Say(
    "**{instance}: {count} problem{count:|s} need{count:s|} attention{smaller}{order}.**",
    "**{instance}：有 {count} 个问题需要处理{smaller}{order}。**",
)
WORST_FIRST = Say(", worst first", "，按严重程度排列")
AND_SMALLER = Say(" ({count} smaller beside)", "（另有 {count} 个次要问题）")
NOT_SLOW = Say(
    "**{instance}: nothing found that makes it slow, but {count} problem{count:|s} of another kind need{count:s|} attention{smaller}.**",
    "**{instance}：没有发现导致变慢的原因，但有 {count} 个其他问题需要处理{smaller}。**",
)
NOT_SLOW_PARTLY = Say(
    "**{instance}: nothing that makes it slow was found in what could be looked at ({missed} of {checks} checks could not look), but {count} problem{count:|s} of another kind need{count:s|} attention{smaller}.**",
    "**{instance}：在可检查的部分没有发现导致变慢的原因（{checks} 项检查中有 {missed} 项无法执行），但有 {count} 个其他问题需要处理{smaller}。**",
)
NOT_HERE = Say(
    "**{instance}: nothing in the database makes it slow. {summary}**",
    "**{instance}：变慢的原因不在数据库中。{summary}**",
)
NOT_HERE_BUT = Say(
    "{count} problem{count:|s} of another kind need{count:s|} attention{smaller}.",
    "另有 {count} 个其他问题需要处理{smaller}。",
)
NOT_IT = Say("**Not the cause:** {looks}.", "**不是原因：** {looks}。")
LOOKED_AT = Say("Looked at: {looks}.", "检查内容：{looks}。")
SAME_FOR = Say("the same for {objects}", "同样的还有 {objects}")
STILL_MORE = Say("… and {count} more, weaker than these.", "……另有 {count} 个更轻微的。")
TIDY = Say(
    "**{instance}: nothing urgent; {count} thing{count:|s} worth putting right.**",
    "**{instance}：没有紧急问题，有 {count} 处值得改进。**",
)
HEALTHY = Say(
    "**{instance}: nothing is wrong.** {version}, database `{database}`: all {checks} checks looked, and none found a"
    " cause of trouble: locks, connections, statements, indexes, vacuum, wraparound, keys, memory, replication, settings.",
    "**{instance}：没有发现问题。** {version}，数据库 `{database}`：{checks} 项检查全部执行，均未发现故障原因，"
    "涵盖锁、连接、语句、索引、清理、事务号回卷、主键、内存、复制和参数。",
)
HEALTHY_MYSQL = Say(
    "**{instance}: nothing is wrong.** {version}, database `{database}`: all {checks} checks looked, and none found a"
    " cause of trouble: locks, connections, statements, indexes, keys, storage, memory, replication, settings.",
    "**{instance}：没有发现问题。** {version}，数据库 `{database}`：{checks} 项检查全部执行，均未发现故障原因，"
    "涵盖锁、连接、语句、索引、主键、存储、内存、复制和参数。",
)
PARTLY = Say(
    "**{instance}: no problem found in what could be looked at, but {missed} of {checks} checks could not look.**"
    " So this is not a clean bill of health.",
    "**{instance}：可检查的部分没有发现问题，但 {checks} 项检查中有 {missed} 项无法执行。** 因此还不能断定一切正常。",
)
ONLY_FINDINGS = Say(
    "{count} smaller finding{count:|s} {count:is|are} not a cause of trouble by {count:itself|themselves}.",
    "另有 {count} 条轻微发现，本身不构成故障原因。",
)
ONLY_PAST = Say(
    "**{instance}: nothing is wrong now; {count} problem{count:|s} left traces.**",
    "**{instance}：目前没有问题，但有 {count} 个问题留下了痕迹。**",
)
PAST = Say("in the past", "已过去")
UNSURE = Say("confidence {share:percent}", "置信度 {share:percent}")
HOW_WE_KNOW = Say("How we know", "依据")
EXPLAINS = Say("Explains", "由此引起")
SYMPTOM = Say("{title} ({what})", "{title}（{what}）")
NOW = Say("Do now", "现在处理")
LATER = Say("Later", "之后处理")
LOCK = Say("Lock", "锁")
RISK = Say("Risk", "风险")
TAKES = Say("Takes", "耗时")
CAUTION = Say("Caution", "注意")
UNDO = Say("Undo", "回退")
VERIFY = Say("Check", "验证")
ALSO = Say("Also found", "其他问题")
MORE = Say("… and {count} more; ask for “the rest”.", "……另有 {count} 个，可说“其他的”继续查看。")
NOT_LOOKED = Say("Could not look", "未能检查")
NOT_LOOKED_LINE = Say("{checks} ({count} check{count:|s}): {reason}", "{checks}（{count} 项检查）：{reason}")
NOT_LOOKED_MORE = Say(
    "… and {count} more check{count:|s} could not look; ask for “the rest”.",
    "……另有 {count} 项检查未能进行，可说“其他的”查看。",
)
WOULD_HELP = Say("What would let it:", "解决办法：")
ASK_MORE = Say(
    "Ask “why?”, “show me the SQL for the second one”, or, once done, “is it fixed now?”",
    "可以继续问：“为什么？”“给我第二个的 SQL”，处理后再问“好了吗？”",
)

MORE_UNDO = Say("and {count} more", "以及另外 {count} 条")
OTHERS = Say("Beside that", "除此之外")
NO_CAUSE = Say(
    "No cause of trouble with {topic} found on {instance}.", "在 {instance} 上没有发现与{topic}有关的故障原因。"
)
NO_CAUSE_PARTLY = Say(
    "No cause of trouble with {topic} found on {instance} in what could be looked at; not everything could be.",
    "在 {instance} 上可检查的部分没有发现与{topic}有关的故障原因，但并非全部都能检查。",
)
SMALLER = Say("Smaller findings", "轻微发现")

LOCKS_NONE = Say("**No session waits for a lock on {instance} right now.**", "**{instance} 上目前没有会话在等待锁。**")
LOCKS_SOME = Say(
    "**{count} session{count:|s} on {instance} wait{count:s|} for a lock right now.** At the root:",
    "**{instance} 上目前有 {count} 个会话在等待锁。** 根源：",
)
BLOCKER = Say(
    "pid {pid} ({who}), state `{state}`, transaction open for {age:duration}; {waiting} session{waiting:|s} {waiting:waits|wait} for it",
    "pid {pid}（{who}），状态 `{state}`，事务已打开 {age:duration}；有 {waiting} 个会话在等它",
)
BLOCKER_PREPARED = Say(
    "a prepared transaction without a session; {waiting} session{waiting:|s} {waiting:waits|wait} for it",
    "一个没有会话的预备事务（prepared transaction）；有 {waiting} 个会话在等它",
)
LAST_STATEMENT = Say("its last statement: {statement}", "最近的语句：{statement}")
WAITER = Say(
    "pid {pid} waits for {what}, behind pid {blockers}, for {age:duration}",
    "pid {pid} 等待 {what}，被 pid {blockers} 阻塞，已 {age:duration}",
)
HIDDEN = Say(
    "The statements of {count} session{count:|s} {count:is|are} hidden from this role; `{grant}` shows them.",
    "当前角色看不到 {count} 个会话的语句；执行 `{grant}` 后可见。",
)

CONNECTIONS = Say(
    "**{instance}: {used} of {maximum} connections are in use ({share:percent}).** By state: {states}.",
    "**{instance}：{maximum} 个连接已使用 {used} 个（{share:percent}）。** 按状态：{states}。",
)
STATEMENTS = Say(
    "**The statements that took most time on {instance}** (of {total} recorded):",
    "**{instance} 上耗时最多的语句**（共记录 {total} 条）：",
)
STATEMENT = Say(
    "{share:percent} of the time: {calls:count} call{calls:|s}, {mean:number} ms each, {total:duration} in all",
    "占总耗时 {share:percent}：调用 {calls:count} 次，平均 {mean:number} 毫秒，合计 {total:duration}",
)
NO_STATISTICS = Say(
    "**No statement statistics on {instance}:** {reason}.", "**{instance} 上没有语句统计：** {reason}。"
)
NO_STATISTICS_EXTENSION = Say(
    "**No statement statistics on {instance}:** pg_stat_statements is not installed in this database.",
    "**{instance} 上没有语句统计：** 该数据库未安装 pg_stat_statements。",
)
NO_STATISTICS_PRIVILEGE = Say(
    "**No statement statistics on {instance}:** this role may not read the statements of others.",
    "**{instance} 上看不到语句统计：** 当前角色无权查看其他用户的语句。",
)
RUNNING_HIDDEN = Say(
    "{count} session{count:|s} {count:is|are} hidden from this role, so I cannot tell what is running; `GRANT pg_monitor` to it shows them.",
    "当前角色看不到 {count} 个会话，因此无法判断正在运行什么；授予 `pg_monitor` 后可见。",
)
NO_STATISTICS_MYSQL = Say(
    "**No statement statistics on {instance}:** performance_schema is off on this server.",
    "**{instance} 上没有语句统计：** 该服务器未启用 performance_schema。",
)
RUNNING_HIDDEN_MYSQL = Say(
    "{count} session{count:|s} {count:is|are} hidden from this account, so I cannot tell what is running; `GRANT PROCESS ON *.*` to it shows them.",
    "当前账号看不到 {count} 个会话，因此无法判断正在运行什么；授予 `PROCESS ON *.*` 后可见。",
)
STATEMENT_EXAMINED = Say(
    "{share:percent} of the time: {calls:count} call{calls:|s}, {mean:number} ms each, {total:duration} in all; {examined:count} row{examined:|s} examined for {rows:count} sent or changed{scans}",
    "占总耗时 {share:percent}：调用 {calls:count} 次，平均 {mean:number} 毫秒，合计 {total:duration}；检查 {examined:count} 行，返回或修改 {rows:count} 行{scans}",
)
STATEMENT_NO_INDEX = Say(", {count:count} time{count:|s} without an index", "，其中 {count:count} 次没有使用索引")
RUNNING = Say("Running at this moment:", "此刻正在运行：")
RUNNING_LINE = Say("pid {pid}, for {age:duration}{waits}", "pid {pid}，已 {age:duration}{waits}")
RUNNING_NONE = Say("No statement is running at this moment.", "此刻没有语句在运行。")
REMEDY = Say("Remedy: {remedy}", "解决办法：{remedy}")

SIZE = Say(
    "**{instance}: database `{database}` takes {size:bytes}** in {tables} table{tables:|s}. Free space of the disk cannot be seen through SQL.",
    "**{instance}：数据库 `{database}` 占用 {size:bytes}**，共 {tables} 张表。磁盘剩余空间无法通过 SQL 查看。",
)
LARGEST = Say("The largest tables, indexes included:", "最大的表（含索引）：")
LARGEST_TABLE = Say(
    "{table:code}: {size:bytes}, of which indexes {indexes:bytes}",
    "{table:code}：{size:bytes}，其中索引 {indexes:bytes}",
)
LARGEST_TABLE_LOCKED = Say(
    "{table:code}: about {size:bytes} (it is locked, so by its last statistics)",
    "{table:code}：约 {size:bytes}（表被锁，按最近的统计信息）",
)
LIST_OF = Say("**{instance}:** {look}.", "**{instance}：** {look}。")
LARGE_ENOUGH = Say(
    "**Nothing speaks against the value of {name:code}:** no check found it too small. {look}.",
    "**没有迹象表明 {name:code} 过小：** 相关检查均未发现问题。{look}。",
)
LARGE_ENOUGH_PARTLY = Say(
    "**Whether {name:code} is large enough cannot be told for sure:** a check about it could not look. {look}.",
    "**无法确定 {name:code} 是否够用：** 有相关检查未能执行。{look}。",
)
TOO_SMALL = Say("**{name:code} is too small by what was measured:**", "**从测量结果看，{name:code} 过小：**")
SPEAKS_AGAINST = Say("**This speaks against the value of {name:code}:**", "**以下发现对 {name:code} 当前的取值不利：**")
ATTRIBUTES = Say(
    "**{instance}: {version}**, up for {uptime:duration}, database `{database}` ({size:bytes}), at {address}.",
    "**{instance}：{version}**，已运行 {uptime:duration}，数据库 `{database}`（{size:bytes}），地址 {address}。",
)
SETTINGS = Say(
    "**Settings of {instance}** ({shown} of {total}, {selection}):",
    "**{instance} 的参数**（{total} 项中的 {shown} 项，{selection}）：",
)
SELECTION_CHANGED = Say("changed from the built-in value", "与内置默认值不同的")
SELECTION_NAMED = Say("as asked", "按名称查询")
SELECTION_SEARCHED = Say("those whose name fits", "名称相符的")
RAISE_CONNECTIONS = Say(
    "**Raising max_connections alone is no remedy.** {now}. {leaked}Each further connection is a further process with its own memory, and the machine does not get faster by it; a change needs a restart. A pooler (PgBouncer in transaction mode) lets many clients share few connections: size it near the number of statements that really run at once ({active} active now).",
    "**单靠调大 max_connections 解决不了问题。** {now}。{leaked}每多一个连接就多一个进程和一份内存，机器并不会因此变快，而且修改需要重启。连接池（PgBouncer 事务模式）可让大量客户端共用少量连接：大小接近真正同时执行的语句数即可（现在活动的有 {active} 个）。",
)
RAISE_CONNECTIONS_MYSQL = Say(
    "**Raising max_connections alone is no remedy.** {now}. {leaked}Each further connection has its own thread and its own sort, join and read buffers, and the machine does not get faster by it; a change works at once but must also stand in the configuration file. A pool in the application or a proxy (ProxySQL, MariaDB MaxScale) lets many clients share few connections: size it near the number of statements that really run at once ({active} active now).",
    "**单靠调大 max_connections 解决不了问题。** {now}。{leaked}每多一个连接就多一个线程以及各自的排序、连接和读缓冲，机器并不会因此变快；修改立即生效，但还要写入配置文件。应用连接池或代理（ProxySQL、MariaDB MaxScale）可让大量客户端共用少量连接：大小接近真正同时执行的语句数即可（现在活动的有 {active} 个）。",
)
USED_OF = Say("{used} of {maximum} connections are in use", "{maximum} 个连接已使用 {used} 个")
IDLE_CONNECTIONS = Say("{idle} of them {idle:is|are} idle. ", "其中 {idle} 个处于空闲。")
STATEMENT_WAITS = Say(
    "**The statement is not slow: it waits.** On {instance} pid {pid} has been running it for {age:duration}, held up by a lock behind pid {behind}. No index or rewriting helps; the lock must be released:",
    "**这条语句本身不慢，它在等锁。** {instance} 上 pid {pid} 已执行它 {age:duration}，被 pid {behind} 持有的锁挡住。加索引或改写都没有用，需要先释放锁：",
)
NO_PLAN = Say("Its plan could not be had: {reason}", "无法取得执行计划：{reason}")
NEEDS_RESTART = Say("a restart", "重启")
NEEDS_RELOAD = Say("a reload", "重新加载配置")
NEEDS_SESSION = Say("no reload: each session may set its own", "各会话可自行设置")
SETTING = Say(
    "`{name}` = `{value}`{unit} (built-in value `{built_in}`; a change needs {needs})",
    "`{name}` = `{value}`{unit}（内置默认值 `{built_in}`；修改生效方式：{needs}）",
)
SETTING_BARE = Say(
    "`{name}` = `{value}` (a change needs {needs})",
    "`{name}` = `{value}`（修改生效方式：{needs}）",
)
PENDING = Say("waits for a restart", "等待重启生效")
UNKNOWN_SETTING = Say("This server has no setting {names}.", "该服务器没有参数 {names}。")

TABLE = Say(
    "**{table} on {instance}** ({kind}): {size:bytes} in all, {heap:bytes} table and {indexes:bytes} indexes.",
    "**{instance} 上的 {table}**（{kind}）：共 {size:bytes}，其中表 {heap:bytes}，索引 {indexes:bytes}。",
)
KIND_NAMES = {
    "table": Say("table", "表"),
    "partitioned table": Say("partitioned table", "分区表"),
    "view": Say("view", "视图"),
    "materialized view": Say("materialized view", "物化视图"),
    "foreign table": Say("foreign table", "外部表"),
    "sequence": Say("sequence", "序列"),
}
TABLE_ROWS = Say(
    "Rows: about {live:count} live and {dead:count} dead", "行数：约 {live:count} 行有效，{dead:count} 行死元组"
)
TABLE_ESTIMATE = Say("Rows: about {rows:count} by the planner's statistics", "行数：按优化器统计约 {rows:count}")
TABLE_SCANS = Say(
    "Reads: {sequential:count} sequential scan{sequential:|s} that read {rows:count} row{rows:|s}, {index:count} index scan{index:|s}",
    "读取：顺序扫描 {sequential:count} 次、读 {rows:count} 行，索引扫描 {index:count} 次",
)
TABLE_WRITES = Say(
    "Writes: {inserted:count} inserted, {updated:count} updated, {deleted:count} deleted",
    "写入：插入 {inserted:count}，更新 {updated:count}，删除 {deleted:count}",
)
TABLE_VACUUM = Say("Last vacuum {age:duration} ago", "上次 vacuum：{age:duration} 前")
TABLE_NO_VACUUM = Say("No vacuum on record", "没有 vacuum 记录")
TABLE_ANALYZE = Say("last analyze {age:duration} ago", "上次 analyze：{age:duration} 前")
TABLE_NO_ANALYZE = Say("no analyze on record", "没有 analyze 记录")
TABLE_CHANGED = Say("{rows:count} row{rows:|s} changed since", "此后变更 {rows:count} 行")
TABLE_OPTIONS = Say("Storage options: {options}", "存储选项：{options}")
TABLE_COLUMNS = Say("{count} column{count:|s}: {columns}", "{count} 列：{columns}")
TABLE_INDEXES = Say("Indexes ({count}):", "索引（{count} 个）：")
TABLE_NO_INDEX = Say("It has no index.", "该表没有索引。")
TABLE_MYSQL = Say(
    "Storage: {engine}, row format {row_format}, collation {collation}; {free:bytes} free inside the file",
    "存储：{engine}，行格式 {row_format}，排序规则 {collation}；文件内空闲 {free:bytes}",
)
TABLE_READS_MYSQL = Say(
    "Reads since the server started: {rows:count} row{rows:|s}, {unindexed:count} of them without an index",
    "服务器启动以来的读取：{rows:count} 行，其中 {unindexed:count} 行没有使用索引",
)
TABLE_STATISTICS_MYSQL = Say(
    "The optimizer's statistics are {age:duration} old", "优化器统计信息收集于 {age:duration} 前"
)
INDEX_ROWS_READ = Say("{rows:count} row{rows:|s} read through it", "通过它读取 {rows:count} 行")
INDEX = Say("{name}: {size:bytes}, {scans} {marks}", "{name}：{size:bytes}，{scans} {marks}")
INDEX_SCANS = Say("{scans:count} scan{scans:|s}", "扫描 {scans:count} 次")
INDEX_UNSEEN = Say("scans not visible", "扫描次数不可见")
INDEXES = Say(
    "**Indexes of {of} on {instance}:** {total} of them, {size:bytes} in all.",
    "**{instance} 上 {of} 的索引：** 共 {total} 个，合计 {size:bytes}。",
)
NO_CAUSE_OBJECT = Say("No cause of trouble concerns {table}.", "没有与 {table} 有关的故障原因。")
ALL_TABLES = Say("all tables", "所有表")

PLAN = Say(
    "**The planner estimates a cost of {cost:number} and {rows:count} row{rows:|s}** for this statement on {instance}; it was not run.",
    "**优化器估计该语句在 {instance} 上的代价为 {cost:number}，返回 {rows:count} 行**；语句并未执行。",
)
PLAN_NO_COST = Say(
    "**The optimizer's plan for this statement on {instance}**; it was not run. This server tells no costs.",
    "**该语句在 {instance} 上的执行计划**；语句并未执行。该服务器不提供代价估计。",
)
PLAN_SCAN_MYSQL = Say(
    "It reads {relation} from the first row to the last (about {rows:count} row{rows:|s}{filter}).",
    "它从头到尾读取 {relation}（约 {rows:count} 行{filter}）。",
)
PLAN_NOTE = Say("The server notes: {note}", "服务器提示：{note}")
PLAN_TREE_NO_COST = Say("The plan, with estimated rows:", "执行计划（估计行数）：")
PLAN_SCAN = Say(
    "It reads {relation} from the first row to the last (sequential scan, estimated {rows:count} row{rows:|s} out{filter}).",
    "它从头到尾读取 {relation}（顺序扫描，估计输出 {rows:count} 行{filter}）。",
)
PLAN_FILTER = Say(", filter: {condition}", "，过滤条件：{condition}")
PLAN_COSTLIEST = Say(
    "The costliest step by itself: {node}, {cost:number} of {total:number}.",
    "自身代价最高的步骤：{node}，{cost:number}（总代价 {total:number}）。",
)
PLAN_NO_SCAN = Say("It reads no table from end to end.", "没有对任何表做全表扫描。")
PLAN_TREE = Say("The plan, with estimated rows and total cost:", "执行计划（估计行数与总代价）：")
QUERY = Say("**{shown} row{shown:|s}** in {elapsed:number} ms:", "**{shown} 行**，用时 {elapsed:number} 毫秒：")
QUERY_MORE = Say("The server had more rows than these.", "服务器上还有更多行未显示。")

INSTANCES = Say("**{total} instance{total:|s}:**", "**共 {total} 个实例：**")
INSTANCES_NONE = Say(
    "No instance is registered yet. Add one with `housecall instance add ID --dsn URL`.",
    "还没有注册实例。用 `housecall instance add ID --dsn URL` 添加。",
)
WHICH = Say("Which instance do you mean? There are: {ids}.", "请问是哪个实例？现有：{ids}。")
TIME = Say("It is {local} ({zone}); in UTC {utc}.", "现在是 {local}（{zone}）；UTC 时间为 {utc}。")
FAILED = Say("**I could not look.** {reason}", "**未能检查。** {reason}")
DENIED = Say(
    "The role that Housecall logs in with needs `SELECT` on that table (or `pg_read_all_data`) to plan or run statements on"
    " it. The examination and “what about this table?” work without.",
    "Housecall 登录所用的角色需要该表的 `SELECT` 权限（或 `pg_read_all_data`）才能生成计划或执行语句。整体诊断和“这个表怎么样？”不需要该权限。",
)
DENIED_MYSQL = Say(
    "The account that Housecall logs in with needs `SELECT` on that table to plan or run statements on it. The examination"
    " and “what about this table?” work without.",
    "Housecall 登录所用的账号需要该表的 `SELECT` 权限才能生成计划或执行语句。整体诊断和“这个表怎么样？”不需要该权限。",
)
TRY_AGAIN = Say(
    "Nothing is known about the state of the server from this; once the obstacle is gone, ask again.",
    "因此目前无法判断服务器状态；排除障碍后请再问一次。",
)

FIXED_ALL = Say("**Yes: what I found before is gone on {instance}.**", "**是的：{instance} 上之前发现的问题已消失。**")
FIXED_SOME = Say(
    "**Partly, on {instance}: of {before} earlier problems {gone} gone, {still} still there.**",
    "**部分解决：{instance} 上之前的 {before} 个问题中已消失 {gone} 个，仍有 {still} 个。**",
)
FIXED_NONE = Say(
    "**No: on {instance} nothing that I found before is gone; still there: {before}.**",
    "**没有：{instance} 上之前的 {before} 个问题都还在。**",
)
FIXED_NOTHING = Say("**There was no problem before on {instance}.**", "**{instance} 上之前没有发现问题。**")
GONE = Say("Gone", "已消失")
STILL = Say("Still there", "仍然存在")
NEW = Say("New", "新出现")
BEFORE_NOW = Say("before → now: {figures}", "之前 → 现在：{figures}")
UNCHANGED = Say("unchanged: {now}", "没有变化：{now}")
SMALLER_STILL = Say("Smaller things that are still there: {count}.", "仍然存在的次要问题：{count} 个。")
LESS_SEEN = Say(
    "Note: {now} checks could not look this time ({before} before), so something may be gone from sight only.",
    "注意：这次有 {now} 项检查无法执行（之前 {before} 项），有些问题可能只是看不到了。",
)
NEXT_STEP = Say("Next, for {what}:", "接下来处理 {what}：")

NO_SUCH_CAUSE = Say(
    "The last examination showed {count} cause{count:|s}, so there is no such one. Name one of those by its number, or ask for a new examination.",
    "上次检查给出了 {count} 个原因，没有您说的那一个。请说其中某个的序号，或要求重新检查。",
)
NO_CAUSES = Say(
    "The last examination found no cause, so there is nothing to show. Ask “is everything healthy?” for a new one.",
    "上次检查没有发现故障原因，因此没有可展示的内容。可以问“现在健康吗？”重新检查。",
)
NO_SQL = Say("This one is not mended by SQL: {title}", "这个问题不靠 SQL 解决：{title}")
NO_REMEDY = Say("No remedy is on record for this cause.", "该原因没有现成的处理办法。")
THE_SQL = Say("**{summary}**", "**{summary}**")
NO_MORE = Say("There is nothing else: those were all {count} causes.", "没有其他问题了：以上就是全部 {count} 个原因。")
REST = Say("**The other causes:**", "**其余原因：**")
WHY_TITLE = Say("**Why: {summary}**", "**依据：{summary}**")
MEASURED = Say("Measured", "测得")
CONFIDENCE = Say("Confidence in this cause: {share:percent}.", "该结论的置信度：{share:percent}。")

READ_ONLY = Say(
    "**I only read; I change nothing on your servers.** Here is what a person can run:",
    "**我只读取，不会对服务器做任何修改。** 可由您来执行以下语句：",
)
READ_ONLY_BARE = Say(
    "**I only read; I change nothing on your servers.** Ask “what is wrong?” and I give the exact SQL for each cause, with its lock, risk and rollback.",
    "**我只读取，不会对服务器做任何修改。** 可以先问“有什么问题？”，我会针对每个原因给出准确的 SQL、锁、风险和回退方法。",
)
KILL_UNDO_MYSQL = Say(
    "none: the session's open transaction is rolled back and its work lost; a large rollback takes as long as the changes took",
    "无法回退：该会话未提交的事务会回滚，其工作会丢失；大事务回滚耗时与修改耗时相当",
)
KILL_LOCK = Say("takes no lock; the session's open transaction is rolled back", "不加锁；该会话未提交的事务会回滚")
KILL_UNDO = Say("none: uncommitted work of that session is lost", "无法回退：该会话未提交的工作会丢失")
KILL_CAUTION = Say(
    "end a session that blocks others, never one that waits; first ask its owner. What it is doing now:",
    "只应结束阻塞他人的会话，不要结束正在等待的会话；先询问其使用者。查看它正在做什么：",
)
PID_BLOCKS = Say(
    "pid {pid} blocks {waiting} session{waiting:|s} and waits for none itself.",
    "pid {pid} 阻塞了 {waiting} 个会话，自身没有等待。",
)
PID_WAITS = Say(
    "**pid {pid} is a victim: it waits behind pid {blockers}. Ending it mends nothing; look at pid {blockers}.**",
    "**pid {pid} 是受害者：它在等待 pid {blockers}。结束它解决不了问题，应处理 pid {blockers}。**",
)
PID_UNKNOWN = Say(
    "**There is no session with pid {pid} on {instance} now**, so there is nothing to end. {total} session{total:|s} {total:is|are} connected; ask “who is blocking whom?” for those that matter.",
    "**{instance} 上现在没有 pid 为 {pid} 的会话**，因此没有可结束的对象。当前共有 {total} 个会话；可以问“谁阻塞了谁？”找出该处理的会话。",
)
PID_NEITHER = Say(
    "pid {pid} blocks nobody at this moment, so ending it frees no other session.",
    "pid {pid} 此刻没有阻塞任何会话，结束它不会放行其他会话。",
)
INDEX_SERVES = Say(
    "**{name} enforces a constraint or uniqueness: without it wrong rows can come in. An index like this must not be dropped for being unused.**",
    "**{name} 用于保证约束或唯一性：删除后可能写入错误数据。这类索引不能因为“没有被扫描”就删除。**",
)
YOUR_STATEMENT = Say(
    "This is the statement you gave; run it yourself, and only after checking it on a copy:",
    "这是您给出的语句；请在副本上验证后自行执行：",
)
OWN_LOCK = {
    "index": Say("writes to the table wait while it is built; with CONCURRENTLY they do not", "创建期间对该表的写入会等待；加 CONCURRENTLY 则不会"),
    "drop": Say("ACCESS EXCLUSIVE on the table: every other session waits; with DROP INDEX CONCURRENTLY they do not", "对表加 ACCESS EXCLUSIVE 锁，其他会话都会等待；DROP INDEX CONCURRENTLY 则不会"),
    "alter": Say("mostly ACCESS EXCLUSIVE on the table, so set lock_timeout first", "多数情况对表加 ACCESS EXCLUSIVE 锁，请先设置 lock_timeout"),
    "rows": Say("locks the rows that it changes until the transaction ends", "锁住被修改的行直到事务结束"),
    "other": Say("depends on the statement; set lock_timeout first", "取决于语句；请先设置 lock_timeout"),
}  # fmt: skip
OWN_LOCK_MYSQL = {
    "index": Say("a metadata lock for a moment at begin and end; with ALGORITHM=INPLACE, LOCK=NONE reads and writes go on meanwhile", "开始和结束时短暂持有元数据锁；使用 ALGORITHM=INPLACE, LOCK=NONE 时读写可继续"),
    "drop": Say("an exclusive metadata lock: it waits for every open transaction on the table, and others wait behind it; set lock_wait_timeout first", "需要排他元数据锁：要等待该表上所有未结束的事务，其他会话排在其后；请先设置 lock_wait_timeout"),
    "alter": Say("a metadata lock at begin and end, and, unless ALGORITHM=INSTANT or INPLACE is possible, a copy of the table with writes blocked; set lock_wait_timeout first", "开始和结束时持有元数据锁；若不能用 ALGORITHM=INSTANT 或 INPLACE，则要复制整张表并阻塞写入；请先设置 lock_wait_timeout"),
    "rows": Say("locks the rows that it looks at (and gaps between them) until the transaction ends", "锁住它扫描到的行（及间隙）直到事务结束"),
    "other": Say("depends on the statement; set lock_wait_timeout first", "取决于语句；请先设置 lock_wait_timeout"),
}  # fmt: skip
OWN_UNDO_MYSQL = Say(
    "ROLLBACK while the transaction is open, which DDL ends by itself; afterwards only from a backup or the opposite statement",
    "事务未提交时可 ROLLBACK（DDL 会自动提交）；之后只能靠备份或反向语句恢复",
)
OWN_UNDO = Say(
    "ROLLBACK while the transaction is open; afterwards only from a backup or the opposite statement",
    "事务未提交时可 ROLLBACK；提交后只能靠备份或反向语句恢复",
)
PLAIN_RISK = Say("not judged: I examined nothing for it", "未评估：没有针对它做检查")

SUSPICION = Say("You asked about {what}:", "您怀疑{what}：")
SUSPECT_CONFIRMED = Say("confirmed, see cause {rank}: {summary}", "属实，见第 {rank} 个原因：{summary}")
SUSPECT_NOT_FOUND = Say("the checks about it found no cause there", "相关检查没有发现这方面的原因")
SUSPECT_NOT_ALL = Say(
    "no cause found there, but not every check about it could look", "没有发现这方面的原因，但并非所有相关检查都能执行"
)
NOT_THE_NETWORK = Say("the network is not it: {look}", "不是网络：{look}")
SUSPECT_UNSEEN = Say(
    "it cannot be measured through SQL, so I neither confirm nor rule it out; what was measured is below",
    "无法通过 SQL 测量，因此既不能证实也不能排除；以下是测到的事实",
)

NOT_BLOATED = Say(
    "**{table} is not bloated by what was measured:** {dead:count} dead row{dead:|s} beside {live:count} live ones; {updated:count} updated and {deleted:count} deleted against {inserted:count} inserted. Its {heap:bytes} are rows, so a rewrite would give nothing back.",
    "**从测量结果看，{table} 没有膨胀：** 死元组 {dead:count} 个，活元组 {live:count} 个；插入 {inserted:count} 行，更新 {updated:count} 行，删除 {deleted:count} 行。占用的 {heap:bytes} 都是数据，重写也收不回空间。",
)
MATTERS_INSTEAD = Say("What does need attention", "真正需要处理的")
CAN_DO = Say(
    "I am Housecall, a database administrator that reads and never writes. I examine a live server and tell the root cause,"
    " the evidence and the exact SQL to mend it. Ask me for example:\n\n"
    "- Why is it slow? What is wrong? Is it healthy?\n- Any locks? Who blocks whom? How are the connections?\n"
    "- Which statements cost most? Explain `SELECT …`.\n- Which indexes are missing, unused or duplicate?\n"
    "- How are vacuum, wraparound, disk, replication, settings?\n- What about the table `orders`? List the instances.\n\n"
    "Then: “show me the SQL”, “why?”, “and the second one?”, “is it fixed now?”",
    "我是 Housecall，一个只读不写的数据库管理员。我检查正在运行的服务器，给出根因、证据和修复用的准确 SQL。例如可以问我：\n\n"
    "- 为什么慢？有什么问题？健康吗？\n- 有锁吗？谁阻塞了谁？连接情况如何？\n- 哪些语句最耗时？解释一下 `SELECT …`。\n"
    "- 缺哪些索引？哪些没用或重复？\n- 清理、事务号回卷、磁盘、复制、参数情况如何？\n- `orders` 表怎么样？列出实例。\n\n"
    "之后可以接着问：“给我 SQL”“为什么？”“第二个呢？”“好了吗？”",
)
OUTSIDE = Say(
    "That is outside what I know: I examine databases and answer from what they show, nothing else.",
    "这超出了我的范围：我只检查数据库，并根据检查结果回答。",
)
OFFER = Say(
    "I can tell why a server is slow, who blocks whom, which statements and indexes cost most, and how vacuum, disk,"
    " connections, replication and settings stand. Try: “What is wrong?”",
    "我可以告诉您服务器为什么慢、谁阻塞了谁、哪些语句和索引代价最高，以及清理、磁盘、连接、复制和参数的状况。试试问：“有什么问题？”",
)
WELCOME = Say(
    "You are welcome. After a change, ask “is it fixed now?” and I compare with before.",
    "不客气。处理之后可以问“好了吗？”，我会与之前对比。",
)
HELLO = Say("Hello, I am Housecall, your database administrator.", "您好，我是 Housecall，您的数据库管理员。")
