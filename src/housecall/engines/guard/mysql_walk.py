"""A walk over the tokens of one MySQL statement, refusing what does more than read: calls that are not known to be
harmless,
locks, INTO, assignments, and relations that hold secrets or change when they are read."""

import re
from collections.abc import Sequence

from housecall.engines.guard.mysql_functions import refuse_unless_harmless
from housecall.engines.guard.verdict import Refusal
from housecall.engines.keywords import words
from housecall.engines.tokens import Token, fold

MAX_SEQUENCE_ROWS = 1_000_000

# Words that stand before a parenthesis and call nothing.
_SYNTAX = words("""
all and any as asc between by binary case check collate columns cross current_row desc distinct distinctrow div else
end except
exists explain for force from full group having high_priority ignore in index inner intersect is join key keys lateral
like limit
match against natural not offset on only or order outer over partition partitions regexp return returning rlike row
rows select
separator set some sounds sql_big_result sql_buffer_result sql_cache sql_calc_found_rows sql_no_cache sql_small_result
straight_join table then union unique use using values when where window with within xor ordinality path nested
recursive
analyze format extended minus of rollup value
""")
_TYPES = words("""
bigint bit blob bool boolean char character date datetime dec decimal double enum fixed float int integer json
mediumint mediumtext
longtext nchar nvarchar numeric precision real set signed smallint text time timestamp tinyint tinytext unsigned
varbinary varchar
vector year
""")
_WRITES = words("insert replace low_priority delayed high_priority ignore")
_SECRETS: dict[str, frozenset[str]] = {
    "mysql": words(
        "user global_priv servers slave_master_info password_history proxies_priv roles_mapping default_roles"
        " slave_relay_log_info authentication_string"
    ),
    "performance_schema": words("user_variables_by_thread keyring_keys keyring_component_status"),
    "information_schema": words("user_variables user_attributes"),
    "sys": frozenset(),
}
_SECRET_EVERYWHERE = words(
    "authentication_string global_priv slave_master_info password_history user_variables_by_thread"
)
_RESETS = re.compile(r"innodb_cmp(mem|_per_index)?_reset")
_HEAVY = words("innodb_buffer_page innodb_buffer_page_lru")
_SEQUENCE = re.compile(r"seq_(\d+)_to_(\d+)(?:_step_(\d+))?")


class MySQLWalk:
    """One statement. `plans_only`: it is explained and not run; `plans_write`: and it is a write."""

    def __init__(
        self, tokens: Sequence[Token], known_stored: frozenset[str], *, plans_only: bool, plans_write: bool
    ) -> None:
        self.tokens = tokens
        self.known_stored = known_stored
        self.plans_only = plans_only
        self.plans_write = plans_write
        self.functions: dict[str, None] = {}

    def run(self) -> None:
        """Raises Refusal."""
        for index, token in enumerate(self.tokens):
            if token.is_name:
                self._name(index, token)
            elif token.text == "(" and token.kind == "mark":
                self._opened(index)
            elif token.text == ":=":
                raise Refusal("changes_session", "An assignment := is refused: it changes a variable of the session.")

    def _word(self, index: int) -> str:
        """The text at a place, in lower case; empty outside, and for literals, which are no words."""
        if not 0 <= index < len(self.tokens):
            return ""
        token = self.tokens[index]
        return "" if token.kind in ("string", "number") else fold(token.text)

    def _is_part(self, index: int) -> bool:
        """Whether the name at this place is qualified by what stands before it."""
        return self._word(index - 1) == "."

    def _name(self, index: int, token: Token) -> None:
        self._refuse_relation(index)
        if token.kind == "quoted" or self._is_part(index):
            return
        match token.text:
            case "into":
                self._into(index)
            case "for" if self._word(index + 1) in ("update", "share") and not self.plans_only:
                raise Refusal(
                    "locks_rows",
                    f"FOR {self._word(index + 1).upper()} is refused: it locks rows, and others wait for them.",
                )
            case "lock" if self._word(index + 1) == "in" and not self.plans_only:
                raise Refusal("locks_rows", "LOCK IN SHARE MODE is refused: it locks rows, and others wait for them.")
            case "procedure":
                raise Refusal(
                    "not_read_only", "PROCEDURE in a SELECT is refused: it runs code that cannot be examined."
                )
            case "next" | "previous" if self._word(index + 1) == "value" and self._word(index + 2) == "for":
                raise Refusal("function_changes_sequence", "NEXT VALUE FOR is refused: it moves a sequence.")

    def _into(self, index: int) -> None:
        if self.plans_write and self._word(index - 1) in _WRITES:
            return
        target = self._word(index + 1)
        if target in ("outfile", "dumpfile"):
            raise Refusal("writes_data", f"INTO {target.upper()} is refused: it writes a file on the server.")
        raise Refusal("select_into", "INTO is refused: it stores the result in a variable or a file. Leave it out.")

    def _refuse_relation(self, index: int) -> None:
        name = self._word(index)
        schema = self._word(index - 2) if self._is_part(index) else ""
        if name in _SECRETS.get(schema, frozenset()) or name in _SECRET_EVERYWHERE:
            raise Refusal(
                "secret_relation",
                f"{'.'.join(part for part in (schema, name) if part)} is refused: it holds password hashes, "
                f"keys or values of "
                "other sessions. Ask for the reading `accounts`, which says what can be said without them.",
            )
        if _RESETS.fullmatch(name):
            raise Refusal("function_resets_statistics", f"{name} is refused: reading it resets the server's counters.")
        if name in _HEAVY:
            raise Refusal(
                "too_many_rows", f"{name} is refused: it walks through the whole buffer pool and slows the server down."
            )
        sequence = _SEQUENCE.fullmatch(name)
        if sequence and _rows(sequence) > MAX_SEQUENCE_ROWS and not self.plans_only:
            raise Refusal(
                "too_many_rows", f"{name} makes {_rows(sequence):,} rows; the limit is {MAX_SEQUENCE_ROWS:,}."
            )

    def _opened(self, index: int) -> None:
        before = self.tokens[index - 1] if index else None
        if before is None or not before.is_name:
            return
        parts = self._chain(index - 1)
        if len(parts) == 1 and (self._is_syntax(index - 1, before) or self._introduces_columns(index - 1)):
            return
        if self.plans_write and self._word(index - 1 - (2 * len(parts) - 1)) in ("into", *_WRITES):
            return
        refuse_unless_harmless(parts, self.known_stored)
        self.functions[".".join(parts)] = None

    def _chain(self, index: int) -> tuple[str, ...]:
        parts = [self._word(index)]
        while self._word(index - 1) == "." and index >= 2:
            index -= 2
            parts.insert(0, self._word(index))
        return tuple(parts)

    def _is_syntax(self, index: int, token: Token) -> bool:
        if token.kind == "quoted":
            return False
        if token.text == "values" or token.text in _SYNTAX:
            return token.text not in self.known_stored
        return token.text in _TYPES and self._word(index - 1) in (
            "as",
            ",",
            "returning",
            *self._column_of_json_table(index),
        )

    def _column_of_json_table(self, index: int) -> tuple[str, ...]:
        """In JSON_TABLE's COLUMNS a type follows a column's name: `COLUMNS (a varchar(10) PATH '$.a')`."""
        name = index - 1
        return (self._word(name),) if name >= 1 and self._word(name - 1) in ("(", ",") else ()

    def _introduces_columns(self, index: int) -> bool:
        """`WITH t (a, b) AS (` and `FROM (…) AS t (a, b)`: names for columns, and `PARTITION (p0)`, `USE INDEX FOR
        JOIN (i)`."""
        before = self._word(index - 1)
        close = self._closing(index + 1)
        if before in ("with", "recursive") or (before == "," and self._word(close + 1) == "as"):
            return self._word(close + 1) == "as" and self._word(close + 2) == "("
        if before == ")" or (before == "as" and self._word(index - 2) == ")"):
            return all(self._word(place) == "," or self.tokens[place].is_name for place in range(index + 2, close))
        return self._word(index - 1) == "for" and self._word(index) in ("join", "by")

    def _closing(self, index: int) -> int:
        depth = 0
        for place in range(index, len(self.tokens)):
            word = self._word(place)
            depth += {"(": 1, ")": -1}.get(word, 0)
            if depth == 0:
                return place
        return len(self.tokens)


def _rows(sequence: re.Match[str]) -> int:
    first, last, step = int(sequence[1]), int(sequence[2]), int(sequence[3] or 1)
    return abs(last - first) // max(step, 1) + 1
