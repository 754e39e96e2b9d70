"""Answers about one table, its indexes, and the list of instances."""

from typing import Any

from housecall.agent.builtin import words
from housecall.agent.builtin.conversation import Result
from housecall.agent.builtin.diagnosis import beside, in_full, is_urgent, missed, one_line
from housecall.agent.builtin.text import bullets, code, comma, end, fenced, paragraphs, say
from housecall.agent.builtin.text import table as grid
from housecall.wording import Language


def instances(found: Result, language: Language) -> str:
    if not found["total"]:
        return say(words.INSTANCES_NONE, language)
    columns = ("id", "engine", "version", "region", "address")
    rows = [[each["instance_id"], *(each.get(name) or "-" for name in columns[1:])] for each in found["instances"]]
    return paragraphs([say(words.INSTANCES, language, total=found["total"]), grid(columns, rows)])


def described(found: Result, exam: Result | None, language: Language, *, bloat_asked: bool = False) -> str:
    """One table: its figures, then the causes that concern it, then urgent others.

    A supposed bloat that the figures contradict is dismissed with them, and what is the matter instead is told.
    """
    name = found["table"]
    if bloat_asked and exam is not None and _is_not_bloated(found, exam):
        return paragraphs([_dismissed(found, language), instead(exam, language)])
    title = say(
        words.TABLE, language, table=code(name), instance=found["instance_id"], kind=_kind(found["kind"], language),
        size=found["total_bytes"], heap=found["table_bytes"], indexes=found["indexes_bytes"],
    )  # fmt: skip
    return paragraphs([f"{title}\n\n{bullets(_figures(found, language))}", _indexes_of(found, language),
                       concerning(name, exam, language)])  # fmt: skip


MAX_DEAD_SHARE = 0.2
"""Autovacuum's default: a table with fewer dead rows is as it should be."""
BLOATS = ("table_bloat", "autovacuum_off_for_table", "autovacuum_starved", "xmin_horizon_held")


def _is_not_bloated(found: Result, exam: Result) -> bool:
    """Few rows are dead, few were ever removed or replaced, and no cause says otherwise."""
    live, bare = found.get("live_rows"), found["table"].rpartition(".")[2]
    if not live or any(value is None for value in (found.get("updated_rows"), found.get("deleted_rows"))):
        return False
    every = [*exam.get("causes", []), *exam.get("more_causes", [])]
    if any(each["id"] in BLOATS and _mentions(each, found["table"], bare) for each in every):
        return False
    gone = found["dead_rows"] + found["updated_rows"] + found["deleted_rows"]
    return bool(found["dead_rows"] <= MAX_DEAD_SHARE * live and gone <= MAX_DEAD_SHARE * live)


def _dismissed(found: Result, language: Language) -> str:
    return say(
        words.NOT_BLOATED, language, table=code(found["table"]), dead=found["dead_rows"], live=found["live_rows"],
        inserted=found.get("inserted_rows"), updated=found["updated_rows"], deleted=found["deleted_rows"],
        heap=found["table_bytes"],
    )  # fmt: skip


def instead(exam: Result, language: Language) -> str | None:
    """What is the matter where the question looked in the wrong place: the worst cause in full, others in a line."""
    urgent = [each for each in [*exam.get("causes", []), *exam.get("more_causes", [])] if is_urgent(each)]
    full = [each for each in urgent if "remedies" in each][:1]
    rest = [one_line(each, language) for each in urgent if each not in full][:4]
    if not urgent:
        return None
    title = f"**{say(words.MATTERS_INSTEAD, language)}**"
    return paragraphs([title, *(in_full(each, language) for each in full), bullets(rest)])


def _kind(name: str, language: Language) -> str:
    return say(words.KIND_NAMES[name], language) if name in words.KIND_NAMES else name


def _figures(found: Result, language: Language) -> list[str]:
    lines = []
    if found.get("server") == "mysql":
        lines.extend(_figures_of_mysql(found, language))
    elif found.get("live_rows") is not None:
        lines.append(say(words.TABLE_ROWS, language, live=found["live_rows"], dead=found["dead_rows"]))
        lines.append(
            say(
                words.TABLE_SCANS, language, sequential=found.get("sequential_scans"),
                rows=found.get("rows_read_sequentially"), index=found.get("index_scans") or 0,
            )
        )  # fmt: skip
        lines.append(
            say(
                words.TABLE_WRITES, language, inserted=found.get("inserted_rows"),
                updated=found.get("updated_rows"), deleted=found.get("deleted_rows"),
            )
        )  # fmt: skip
        lines.append(_maintenance(found, language))
    elif found.get("estimated_rows") is not None and found["estimated_rows"] >= 0:
        lines.append(say(words.TABLE_ESTIMATE, language, rows=found["estimated_rows"]))
    if found.get("storage_options"):
        lines.append(say(words.TABLE_OPTIONS, language, options=code(found["storage_options"])))
    names = ", ".join(f"{code(each['name'])} {each['type']}" for each in found["columns"][:12])
    more = " …" if found["columns_total"] > 12 else ""
    lines.append(say(words.TABLE_COLUMNS, language, count=found["columns_total"], columns=names + more))
    return lines


def _figures_of_mysql(found: Result, language: Language) -> list[str]:
    lines = []
    if found.get("estimated_rows") is not None:
        lines.append(say(words.TABLE_ESTIMATE, language, rows=found["estimated_rows"]))
    if found.get("engine"):
        lines.append(
            say(
                words.TABLE_MYSQL, language, engine=found["engine"], row_format=found.get("row_format"),
                collation=found.get("collation"), free=found.get("free_bytes"),
            )
        )  # fmt: skip
    if found.get("rows_read") is not None:
        unindexed = found.get("rows_read_sequentially")
        lines.append(say(words.TABLE_READS_MYSQL, language, rows=found["rows_read"], unindexed=unindexed))
        lines.append(
            say(
                words.TABLE_WRITES, language, inserted=found.get("inserted_rows"),
                updated=found.get("updated_rows"), deleted=found.get("deleted_rows"),
            )
        )  # fmt: skip
    if found.get("analyzed_seconds_ago") is not None:
        lines.append(say(words.TABLE_STATISTICS_MYSQL, language, age=found["analyzed_seconds_ago"]))
    return lines


def _maintenance(found: Result, language: Language) -> str:
    vacuumed, analyzed = found.get("vacuumed_seconds_ago"), found.get("analyzed_seconds_ago")
    parts = [
        say(words.TABLE_NO_VACUUM, language) if vacuumed is None else say(words.TABLE_VACUUM, language, age=vacuumed),
        say(words.TABLE_NO_ANALYZE, language) if analyzed is None else say(words.TABLE_ANALYZE, language, age=analyzed),
        say(words.TABLE_CHANGED, language, rows=found.get("changed_rows_since_analyze")),
    ]
    return comma(language).join(parts)


def _indexes_of(found: Result, language: Language) -> str:
    if not found["indexes_total"]:
        return say(words.TABLE_NO_INDEX, language)
    return f"{say(words.TABLE_INDEXES, language, count=found['indexes_total'])}\n\n{_index_lines(found, language)}"


def _index_lines(found: Result, language: Language) -> str:
    return bullets(index_line(each, language) for each in found["indexes"][:10])


def index_line(each: Result, language: Language) -> str:
    scans = each.get("scans")
    told = say(words.INDEX_UNSEEN, language) if scans is None else say(words.INDEX_SCANS, language, scans=scans)
    if each.get("rows_read") is not None:
        told = say(words.INDEX_ROWS_READ, language, rows=each["rows_read"])
    marks = [
        name
        for name, is_so in (
            ("PRIMARY KEY", each["is_primary"]),
            ("UNIQUE", each["is_unique"] and not each["is_primary"]),
            ("INVALID", not each["is_valid"]),
            ("INVISIBLE", not each.get("is_visible", True)),
        )
        if is_so
    ]
    line = say(
        words.INDEX, language, name=code(each["name"]), size=each["size_bytes"], scans=told, marks=" ".join(marks)
    )
    return f"{line.strip()}\n  {code(each['definition'])}"


def indexes(found: Result, exam: Result | None, language: Language) -> str:
    of = found["of"]
    shown = say(words.ALL_TABLES, language) if of == "all tables" else code(of)
    title = say(
        words.INDEXES,
        language,
        of=shown,
        instance=found["instance_id"],
        total=found["total"],
        size=found["total_bytes"],
    )
    return paragraphs([f"{title}\n\n{_index_lines(found, language)}", concerning(of, exam, language)])


def concerning(name: str, exam: Result | None, language: Language) -> str | None:
    """The causes about a table (or its indexes and columns), then urgent others in one line each."""
    if exam is None:
        return None
    bare = name.rpartition(".")[2]
    every = [*exam.get("causes", []), *exam.get("more_causes", [])]
    told = [cause for cause in every if _mentions(cause, name, bare)]
    parts = [in_full(cause, language) if "remedies" in cause else one_line(cause, language) for cause in told[:3]]
    if not told:
        parts = [say(words.NO_CAUSE_OBJECT, language, table=code(name))]
        findings = [each for each in exam.get("findings", []) if _mentions(each, name, bare)]
        parts.append(bullets(end(each["summary"], language) for each in findings[:4]))
        parts.append(missed(exam, language) or "")
    return paragraphs([*parts, beside(exam, told, language)])


def _mentions(each: dict[str, Any], name: str, bare: str) -> bool:
    import re

    text = f"{each['object']} {each['summary']}"
    return name in text or re.search(rf"(?<![\w]){re.escape(bare)}(?![\w])", text) is not None


def definition(found: Result) -> str:
    return fenced(found["ddl"].splitlines())


def rows(found: Result, language: Language) -> str:
    lead = say(words.QUERY, language, shown=found["shown"], elapsed=found["elapsed_ms"])
    more = say(words.QUERY_MORE, language) if found["more_rows"] else None
    return paragraphs([lead, grid(found["columns"], found["rows"]) if found["columns"] else None, more])
