"""The rules that hold at each token of a PostgreSQL statement: calls, types, operators, locks, writes.

They work on the server's own tokens and need no parse tree, so no construct that a parser reads differently can hide a
call from them. A name before `(` is a call unless the grammar leaves no room for one: a keyword with syntax
of its own, a type after `::`, an alias or a common table expression with a column list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from housecall.engines.guard.functions import refuse_attribute, refuse_unless_harmless
from housecall.engines.guard.types import refuse_unless_built_in
from housecall.engines.guard.verdict import Refusal
from housecall.engines.keywords import RESERVED_WORDS, words
from housecall.engines.tokens import Token

# Keywords that an expression or a name can follow directly. The second line is of the class "unreserved".
_CALLABLE_KEYWORDS = frozenset({"left", "right", "like", "overlaps", "current_schema"})
_NO_SYNTAX_BEFORE_PARENTHESIS = words(
    "authorization binary collation concurrently cross freeze full inner is isnull natural notnull outer similar "
    "tablesample verbose"
)
_INTRODUCERS = RESERVED_WORDS | words(
    "by escape zone first next rows range groups value key content document name version passing path ref set "
    "recursive materialized columns over filter at sets uescape nested format varying"
)
_CLAUSES = words("select from where group having window order limit offset fetch union except intersect")

# What a role may see but nobody should copy into a conversation: password hashes and connection strings.
SECRET_RELATIONS = {
    "pg_authid": "pg_roles",
    "pg_shadow": "pg_roles",
    "pg_user_mapping": "pg_foreign_server",
    "pg_user_mappings": "pg_foreign_server",
    "user_mapping_options": "pg_foreign_server",
    "pg_subscription": "pg_stat_subscription",
    "pg_largeobject": "pg_largeobject_metadata",
}


@dataclass(slots=True)
class _Frame:
    """What is open at one level of parentheses: the word before it and the clause that is being read in it."""

    opener: str = ""
    clause: str = ""


@dataclass(slots=True)
class Walk:
    """One pass over the tokens of a statement.

    `plans_only` is for EXPLAIN without ANALYZE: user's functions, types and operators and row locks may stand in what
    is only planned, for the statements of applications are full of them; a function that is known to have an effect may
    not. `plans_write` allows the words of a write there, too.
    """

    tokens: Sequence[Token]
    known_volatile: frozenset[str]
    plans_only: bool = False
    plans_write: bool = False
    functions: dict[str, None] = field(default_factory=dict)
    _frames: list[_Frame] = field(default_factory=lambda: [_Frame()])
    _closed: str = ""
    _pending: str = ""

    def run(self) -> None:
        """Raises Refusal at the first token that breaks a rule."""
        for index, token in enumerate(self.tokens):
            if token.text == "(" and token.kind == "mark":
                self._open(index)
            elif token.text == ")" and token.kind == "mark":
                self._closed = self._frames.pop().opener if len(self._frames) > 1 else ""
            elif token.is_name:
                self._name(index)
            elif token.text == "::":
                self._type(index + 1)

    def _word(self, index: int) -> str:
        """The keyword or mark at a place; a quoted name is never a keyword."""
        if not 0 <= index < len(self.tokens):
            return ""
        token = self.tokens[index]
        return token.text if token.kind in ("name", "mark") else f"<{token.kind}>"

    def _open(self, index: int) -> None:
        before, frame = self._word(index - 1), self._frames[-1]
        if before == "as" and frame.clause == "from":
            self._pending = "alias"
        inherits = frame.clause == "from" and before in ("from", "join", ",", "lateral", "(")
        self._frames.append(_Frame(self._pending, "from" if inherits else ""))
        self._pending = ""

    def _name(self, index: int) -> None:
        token, before, after = self.tokens[index], self._word(index - 1), self._word(index + 1)
        if token.text in SECRET_RELATIONS:
            raise Refusal(
                "secret_relation",
                f"Relation {token.text} is refused: it holds passwords or what users stored, which must not enter a "
                f"conversation. Read {SECRET_RELATIONS[token.text]} instead.",
            )
        if token.kind == "name":
            self._keyword(index, token.text, before, after)
        if before == "." and after not in ("(", "."):
            refuse_attribute(token.text, self.known_volatile)
        if after == "(":
            self._pending = self._before_parenthesis(index)
        elif after == "<string>" and not (token.kind == "name" and token.text in _INTRODUCERS):
            self._refuse_type(self._chain(index))
        self._column_definition(index, before)

    def _keyword(self, index: int, word: str, before: str, after: str) -> None:
        frame = self._frames[-1]
        if before == ".":
            return
        if word in _CLAUSES:
            frame.clause = word
        elif word == "with" and (index == 0 or before == "("):
            frame.clause = "with"
        elif word == "into" and not (self.plans_write and before in ("insert", "merge")):
            raise Refusal(
                "select_into",
                "INTO is refused: it stores the result in a new table or in a file. Leave INTO out and read the rows.",
            )
        elif word == "for" and not self.plans_only:
            self._refuse_row_lock(index)
        elif word in ("insert", "update", "delete", "merge"):
            self._refuse_write(word, index, before, after)
        elif (word == "as" and frame.opener in ("cast", "treat", "xmlserialize")) or (
            word == "returning" and frame.opener.startswith("json")
        ):
            self._type(index + 1)

    def _refuse_row_lock(self, index: int) -> None:
        following = tuple(self._word(index + step) for step in (1, 2, 3))
        if following[0] in ("update", "share") or following[:2] in (("no", "key"), ("key", "share")):
            strength = " ".join(following[: {"no": 3, "key": 2}.get(following[0], 1)])
            raise Refusal(
                "locks_rows",
                f"FOR {strength.upper()} is refused: it locks the rows against their writers. Leave the "
                f"clause out; "
                "a plain SELECT sees the same rows.",
            )

    def _refuse_write(self, word: str, index: int, before: str, after: str) -> None:
        """A write can only begin where a statement can; elsewhere the word is the name of a column."""
        if self.plans_write:
            return
        place = self.tokens[index - 1] if index else None
        begins = place is None or before in ("(", ")") or (place.is_name and before not in _INTRODUCERS)
        target = {"insert": ("into",), "merge": ("into",), "delete": ("from",)}.get(word)
        aims = after in target if target else self._names_a_table(index + 1)
        if begins and aims:
            raise Refusal(
                "writes_data",
                f"{word.upper()} inside the statement is refused: it changes data, also within WITH. Only reading is "
                "allowed; ask for a remedy, which a person approves.",
            )

    def _names_a_table(self, index: int) -> bool:
        if index >= len(self.tokens) or not self.tokens[index].is_name:
            return False
        return self._word(index) == "only" or self._word(index) not in RESERVED_WORDS

    def _chain(self, index: int) -> tuple[str, ...]:
        """The qualified name that ends at `index`."""
        parts = [self.tokens[index].text]
        while index >= 2 and self._word(index - 1) == "." and self.tokens[index - 2].is_name:
            index -= 2
            parts.insert(0, self.tokens[index].text)
        return tuple(parts)

    def _before_parenthesis(self, index: int) -> str:
        """What the parenthesis after this name belongs to. Raises Refusal when that is a call which is not harmless."""
        parts = self._chain(index)
        start = index - 2 * (len(parts) - 1)
        before, word = self._word(start - 1), self.tokens[index].text
        if before == "::" or (before == "as" and self._frames[-1].opener in ("cast", "treat")):
            return "type"
        if len(parts) == 1 and self.tokens[index].kind == "name" and self._is_syntax(index, word, before):
            return word
        if self._is_alias(start, before, len(parts)):
            return "alias"
        if before in (".", "]"):
            raise Refusal("unreadable", f"A call of {word} on a value is not SQL that PostgreSQL knows.")
        refuse_unless_harmless(parts, self.known_volatile, plans_only=self.plans_only)
        self.functions[".".join(parts)] = None
        return word

    def _is_syntax(self, index: int, word: str, before: str) -> bool:
        if word == "operator":
            self._refuse_foreign_operator(index)
            return True
        if word in self.known_volatile:
            return False  # on an older server some of these words are still free, and a user took one
        if word == "ilike":
            return self._ends_a_value(index - 1) or (before == "not" and self._ends_a_value(index - 2))
        if word in RESERVED_WORDS:
            return word not in _CALLABLE_KEYWORDS | _NO_SYNTAX_BEFORE_PARENTHESIS
        frame = self._frames[-1]
        match word:
            case "filter" | "over" | "repeatable":
                return before == ")"
            case "by":
                return before in ("group", "order", "partition")
            case "sets" | "materialized" | "first" | "next" | "zone":
                fits = {"sets": "grouping", "first": "fetch", "next": "fetch", "zone": "time"}
                return before == fits.get(word, "as") or (word == "materialized" and before == "not")
            case "varying":
                return before in ("character", "char", "nchar", "bit")
            case "columns":
                return frame.opener in ("json_table", "columns")
            case "cube" | "rollup":
                return frame.clause == "group" or frame.opener in ("sets", "cube", "rollup")
            case "bernoulli" | "system":
                return before == "tablesample"
            case "conflict" | "insert" | "set":
                return self.plans_write
        return False

    def _ends_a_value(self, index: int) -> bool:
        if index < 0:
            return False
        token = self.tokens[index]
        if token.kind == "name":
            return token.text not in _INTRODUCERS
        return token.kind in ("quoted", "string", "number", "parameter") or token.text in (")", "]")

    def _is_alias(self, start: int, before: str, length: int) -> bool:
        """Whether the name at `start` can only be the name of a relation that is being introduced."""
        clause = self._frames[-1].clause
        if self.plans_write and before == "into":
            return True
        if length > 1:
            return False
        if clause == "with":
            return before in ("with", "recursive", ",")
        if clause != "from" or start == 0:
            return False
        place = self.tokens[start - 1]
        if before == ")":
            return self._closed != "operator"
        return before in ("as", "ordinality") or (place.is_name and before not in _INTRODUCERS)

    def _refuse_foreign_operator(self, index: int) -> None:
        if self.plans_only:
            return
        first, second = self._word(index + 2), self._word(index + 3)
        qualified = second == "." or (index + 2 < len(self.tokens) and self.tokens[index + 2].is_name)
        if qualified and not (first == "pg_catalog" and self._word(index + 4) != "." and second == "."):
            raise Refusal(
                "user_defined_operator",
                "OPERATOR(schema.operator) is refused for any schema but pg_catalog: the operator runs a user's "
                "function. "
                "Use a built-in operator.",
            )

    def _type(self, index: int) -> None:
        if self._word(index) == "setof":
            index += 1
        end = index
        while self._word(end + 1) == "." and end + 2 < len(self.tokens):
            end += 2
        if end < len(self.tokens) and self.tokens[end].is_name:
            self._refuse_type(self._chain(end))

    def _refuse_type(self, parts: tuple[str, ...]) -> None:
        if not self.plans_only:
            refuse_unless_built_in(parts)

    def _column_definition(self, index: int, before: str) -> None:
        """`AS t(a int, b public.d)` and the columns of XMLTABLE and JSON_TABLE name types, too."""
        if self._frames[-1].opener not in ("alias", "xmltable", "json_table", "columns"):
            return
        follows = self._word(index + 1)
        ends = ("for", "path", "exists", "format", "null", "not", "default", "passing", "as", "by")
        if before in ("(", ",", "columns") and follows not in ends and self._next_is_name(index):
            self._type(index + 1)

    def _next_is_name(self, index: int) -> bool:
        return index + 1 < len(self.tokens) and self.tokens[index + 1].is_name
