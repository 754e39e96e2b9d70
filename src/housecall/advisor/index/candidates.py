"""Indexes that would serve a statement.

The order of the key is that of a b-tree's use: columns compared for equality first (the one with most values in front),
then the columns of ORDER BY or one range. A column that the statement wraps in a function gets an index on that very
expression, where the function may stand in an index; where it may not, there is no candidate, and the statement has to
be rewritten. What is searched inside a document, an array or a text vector gets a GIN index, and each side of an OR one
of its own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from housecall.advisor.index.benefit import Benefit, rows_kept, rows_with_existing, selectivity
from housecall.advisor.index.facts import UNKNOWN, TableFacts
from housecall.advisor.index.redundancy import PATTERNS, covering_index
from housecall.advisor.statement import Predicate, Relation, Scope, parse_statement, scopes
from housecall.engines.engine import EngineName

MIN_ROWS = 1_000
"""Smaller tables fit on a few pages and are scanned as fast as an index is read."""
MIN_SAVED_SHARE = 0.5
"""As the threshold for proven candidates: at least half of the cost."""
MAX_KEY_COLUMNS = 4
FEW_ROWS = 100.0
"""An existing index that leaves so few rows is good enough."""
WEAK_SELECTIVITY = 0.1
PAGE_OF_ROWS = 100.0
"""Rows that a statement with a LIMIT is taken to want; the figure only ranks candidates."""

# Functions that PostgreSQL marks immutable for their usual arguments; an index takes no others.
_IMMUTABLE = frozenset(
    {
        "lower",
        "upper",
        "trim",
        "btrim",
        "ltrim",
        "rtrim",
        "md5",
        "length",
        "char_length",
        "abs",
        "coalesce",
        "substring",
    }
    | {"left", "right", "replace", "reverse", "floor", "ceil", "round", "arithmetic", "collate"}
)
_OF_DOCUMENTS = re.compile(r" (?:->>?|#>>?) ")
_TO_TEXT = frozenset({"cast to text", "cast to varchar"})
_FROM_TEXT = _TO_TEXT | {
    f"cast to {name}"
    for name in ("int", "bigint", "smallint", "numeric", "decimal", "double precision", "boolean", "uuid")
}
"""Of what a document holds as text. How a time or an amount of money is written and read depends on the session."""
_WRITTEN_BY_SESSION = ("timestamp", "date", "time", "interval", "money", "reg")
_TIMES_WITHOUT_ZONE = ("timestamp without time zone", "timestamp", "date")


_OF_SPACE = ("box", "polygon", "circle", "geometry", "geography")
"""Types whose overlap (`&&`) and containment GiST searches, as it does those of ranges."""
IndexMethod = Literal["btree", "gin", "gist"]


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One part of the key: a column, or an expression (`expression` true) as it stands in the statement."""

    text: str
    expression: bool = False
    descending: bool = False
    operator_class: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An index that does not exist yet. `serves` are the predicates that it answers.

    `partners` are further indexes without which this one does not serve: those of the other sides of an OR. It is a
    guess when nobody knows how much its range or its search keeps, and the rest alone would not be worth an index.
    """

    schema: str
    table: str
    key: tuple[KeyColumn, ...]
    benefit: Benefit
    serves: tuple[Predicate, ...]
    gives_order: bool
    method: IndexMethod = "btree"
    partners: tuple["Candidate", ...] = ()
    is_guess: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"({part.text})" if part.expression else part.text for part in self.key)


def candidates(sql: str, engine: EngineName, tables: Iterable[TableFacts]) -> tuple[Candidate, ...]:
    """Candidates for one statement, best first; none when it cannot be understood or existing indexes serve it.

    Tables that are not given are left out, as are tables of fewer than a thousand rows and indexes that would save
    less than half.
    """
    tree = parse_statement(sql, engine)
    if tree is None:
        return ()
    known = list(tables)
    found: dict[tuple[str, str, tuple[KeyColumn, ...]], Candidate] = {}
    for scope in scopes(tree, engine):
        for relation in scope.relations:
            table = _table_of(relation, known)
            if table is not None and table.rows >= MIN_ROWS:
                for each in _for_relation(scope, relation, table, engine):
                    found.setdefault((each.schema, each.table, each.key), each)
    return tuple(sorted(found.values(), key=lambda each: -each.benefit.saved_share))


def _table_of(relation: Relation, tables: Sequence[TableFacts]) -> TableFacts | None:
    matching = [t for t in tables if t.name == relation.name and relation.schema in ("", t.schema)]
    return matching[0] if matching else None


def _for_relation(scope: Scope, relation: Relation, table: TableFacts, engine: EngineName) -> Iterable[Candidate]:
    mine = [p for p in scope.predicates if p.alias == relation.alias and _indexable(p, table)]
    if engine == "mysql":
        mine = [replace(p, is_closed=False) for p in mine]  # its plans tell how much a range keeps
    yield from _for_plain(scope, relation, table, [p for p in mine if p.kind != "contains"], engine)
    for searched in mine:
        made = _candidate(table, [searched], ()) if searched.kind == "contains" else None
        if made is not None:
            yield made
    # MySQL joins the indexes of an OR by rules of its own, and its checks look after that
    for sides in scope.alternatives if engine == "postgresql" else ():
        made = _for_alternatives(sides, relation, table)
        if made is not None:
            yield made


def _for_alternatives(
    sides: tuple[tuple[Predicate, ...], ...], relation: Relation, table: TableFacts
) -> Candidate | None:
    """The indexes that the sides of an OR lack, which the server joins by bitmap: of no use unless all sides have one,
    and together they leave few rows."""
    found = [[p for p in side if p.alias == relation.alias and p.kind != "join" and _indexable(p, table)]
             for side in sides]  # fmt: skip
    best = [min(side, key=lambda p: selectivity(p, table), default=None) for side in found]
    chosen = [each for each in best if each is not None]
    kept = sum(rows_kept(table, [each]) for each in chosen)
    if len(chosen) < len(sides) or Benefit(table.rows, kept).saved_share < MIN_SAVED_SHARE:
        return None
    columns = {each.expression or each.column: each for each in chosen}
    lacking = [made for each in columns.values() if (made := _candidate(table, [each], ())) is not None]
    if not lacking or len(lacking) > MAX_KEY_COLUMNS:
        return None
    first, *others = lacking
    is_guess = any(each.is_guess for each in lacking)
    return replace(first, benefit=Benefit(table.rows, kept), partners=tuple(others), is_guess=is_guess)


def _for_plain(
    scope: Scope, relation: Relation, table: TableFacts, mine: list[Predicate], engine: EngineName
) -> Iterable[Candidate]:
    equal = [p for p in mine if p.kind in ("equality", "join", "null")]
    equal = [p for p in equal if p.kind != "join" or p.other is None or _alias(p.other) not in _unrestricted(scope)]
    known = _one_per_column(equal)
    equal = _worth_a_place(sorted(known, key=lambda p: selectivity(p, table)), table)
    ranges = _with_both_ends([p for p in mine if p.kind in ("range", "prefix")], closes=engine == "postgresql")[:1]
    order = _order_for(scope, relation, table)
    shapes = [(equal, ranges, ()), (equal, [], order)] if order else [(equal, ranges, ())]
    for predicates, last, keys in shapes:
        made = _candidate(table, [*predicates, *last], keys if scope.has_limit or predicates else (), known)
        if made is not None:
            yield made


def _with_both_ends(ranges: list[Predicate], *, closes: bool) -> list[Predicate]:
    """One of each column; two open ranges of one column, `>= $1 AND < $2`, make a closed one."""
    names = [p.expression or p.column for p in ranges]
    return [
        replace(p, is_closed=p.is_closed or (closes and p.kind == "range" and names.count(name) > 1))
        for place, (p, name) in enumerate(zip(ranges, names, strict=True))
        if name not in names[:place]
    ]


def _candidate(
    table: TableFacts, served: list[Predicate], order: tuple[KeyColumn, ...], known: Sequence[Predicate] = ()
) -> Candidate | None:
    """`known` are all comparisons for equality: an index that exists may begin with one that a new one would leave
    out."""
    key = tuple(_key_column(p) for p in served)
    taken = {part.text for part in key}
    key = (key + tuple(part for part in order if part.text not in taken))[:MAX_KEY_COLUMNS]
    if not key:
        return None
    equal = [p for p in served if p.kind in ("equality", "join", "null")]
    kept = rows_kept(table, served)
    before = rows_with_existing(table, known or equal)
    if order:
        kept, before = min(kept, PAGE_OF_ROWS), before if before > FEW_ROWS else 0.0
    benefit = Benefit(before, kept)
    method = _method(served, table)
    sure = Benefit(before, rows_kept(table, [p for p in served if p.kind not in ("range", "contains")]))
    is_guess = not order and sure.saved_share < MIN_SAVED_SHARE
    candidate = Candidate(table.schema, table.name, key, benefit, tuple(served), bool(order), method, (), is_guess)
    patterns = [part.operator_class == PATTERNS for part in key]
    directions = [part.descending for part in key]
    covering = covering_index(
        candidate.columns, len(served), table.indexes, directions, method=method, patterns=patterns
    )
    is_worth_it = before > FEW_ROWS and benefit.saved_share >= MIN_SAVED_SHARE
    return candidate if is_worth_it and covering is None else None


def _method(served: list[Predicate], table: TableFacts) -> IndexMethod:
    if not served or served[0].kind != "contains":
        return "btree"
    facts = table.columns.get(served[0].column)
    return "gist" if facts and served[0].expression is None and _is_spatial(facts.type) else "gin"


def _is_spatial(column_type: str) -> bool:
    return column_type.endswith(("range", "multirange")) or column_type.partition("(")[0] in _OF_SPACE


def _key_column(predicate: Predicate) -> KeyColumn:
    # in a collation other than C, only the pattern operators let LIKE 'abc%' use a b-tree
    operators = PATTERNS if predicate.kind == "prefix" else None
    return KeyColumn(
        predicate.expression or predicate.column, predicate.expression is not None, operator_class=operators
    )


def _worth_a_place(equal: list[Predicate], table: TableFacts) -> list[Predicate]:
    """The columns that narrow further: once few rows are left, one that keeps a tenth or more only widens the index."""
    chosen: list[Predicate] = []
    for predicate in equal[: MAX_KEY_COLUMNS - 1]:
        few = bool(chosen) and rows_kept(table, chosen) <= FEW_ROWS
        if not (few and selectivity(predicate, table) >= WEAK_SELECTIVITY):
            chosen.append(predicate)
    return chosen


def _alias(column: str) -> str:
    return column.partition(".")[0]


def _unrestricted(scope: Scope) -> frozenset[str]:
    """Relations of the scope that are read whole: no condition with a value restricts them, directly or through joins.

    An index on the column joined to such a relation would be used once for each of its rows, and a hash join is better.
    """
    if scope.has_limit:
        return frozenset()
    restricted = {p.alias for p in scope.predicates if p.kind in ("equality", "range", "prefix")}
    own = {relation.alias for relation in scope.relations}
    joins = [p for p in scope.predicates if p.kind == "join" and p.other is not None]
    for _ in joins:
        restricted |= {
            p.alias for p in joins if _alias(p.other or "") in restricted or _alias(p.other or "") not in own
        }
    return frozenset(own - restricted)


def _one_per_column(predicates: list[Predicate]) -> list[Predicate]:
    return list({p.expression or p.column: p for p in reversed(predicates)}.values())


def _indexable(predicate: Predicate, table: TableFacts) -> bool:
    """Whether a b-tree can hold what the predicate compares: a known column, or an immutable expression on one that is
    known whole (the server wants the very text, and an index on `left(note, $1)` cannot be built)."""
    if table.columns and predicate.column not in table.columns:
        return False
    if predicate.kind == "contains":
        return _is_searchable(predicate, table)
    if predicate.expression is None:
        return not _unordered(table, predicate.column)
    column_type = table.columns[predicate.column].type if predicate.column in table.columns else ""
    if any(UNKNOWN in index.columns for index in table.indexes):
        return False
    layers = predicate.layers or (predicate.wrapped_by or "",)
    from_document = any(_OF_DOCUMENTS.search(each) for each in layers)
    if predicate.has_parameter or _is_document(layers[0]) or (layers[0] in _TO_TEXT and not from_document):
        return False  # a column that is only compared as text is better compared as what it is
    return all(_is_immutable(each, column_type, from_document=from_document) for each in layers)


def _is_searchable(predicate: Predicate, table: TableFacts) -> bool:
    """Whether an index can hold the column: GIN a jsonb, an array or a text vector, or one that is made of a text in a
    language that the statement names; GiST a range or a shape."""
    if predicate.expression is not None:
        return predicate.layers == ("to_tsvector",) and not predicate.has_parameter and "," in predicate.expression
    facts = table.columns.get(predicate.column)
    if facts is None:
        return False
    return facts.type in ("jsonb", "tsvector") or facts.type.endswith("[]") or _is_spatial(facts.type)


def _is_immutable(layer: str, column_type: str, *, from_document: bool) -> bool:
    if layer == "arithmetic" and "with time zone" in column_type:
        return False  # a day may have 23 hours
    if layer in _IMMUTABLE or _OF_DOCUMENTS.search(layer):
        return True
    if layer in ("cast to date", "date_trunc"):
        return column_type.startswith(_TIMES_WITHOUT_ZONE) and "with time zone" not in column_type
    if layer in _FROM_TEXT and from_document:
        return True
    return layer in _TO_TEXT and column_type != "" and not column_type.startswith(_WRITTEN_BY_SESSION)


def _is_document(layer: str) -> bool:
    """`->` gives a document again, and json has no order."""
    found = _OF_DOCUMENTS.findall(layer)
    return bool(found) and not found[-1].strip().endswith(">>")


def _unordered(table: TableFacts, column: str) -> bool:
    """Types that have no b-tree operators, or values too large for one."""
    facts = table.columns.get(column)
    return facts is not None and facts.type in ("json", "xml", "point", "box", "polygon", "jsonb")


def _order_for(scope: Scope, relation: Relation, table: TableFacts) -> tuple[KeyColumn, ...]:
    """The key parts for ORDER BY, when all of it is of this relation; one direction is read backwards if need be."""
    if not scope.order or any(key.alias != relation.alias for key in scope.order):
        return ()
    if table.columns and any(key.column not in table.columns for key in scope.order):
        return ()
    mixed = len({key.descending for key in scope.order}) > 1
    return tuple(KeyColumn(key.column, descending=key.descending and mixed) for key in scope.order)
