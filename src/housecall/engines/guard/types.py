"""Types that a cast may name: the built-in ones. A cast to any other type runs a user's code: the input function, a
conversion, or the constraint of a domain."""

from housecall.engines.guard.verdict import Refusal
from housecall.engines.keywords import words

# pg_type of PostgreSQL 15 and 18 (base types, ranges, multiranges), and the words that the grammar has for them.
_BUILT_IN = words("""
aclitem bit bool box bpchar bytea char cid cidr circle date datemultirange daterange float4 float8 inet int2
int2vector int4 int4multirange int4range int8 int8multirange int8range interval json jsonb jsonpath line lseg
macaddr macaddr8 money name numeric nummultirange numrange oid oidvector path pg_lsn pg_node_tree pg_snapshot
point polygon record refcursor regclass regcollation regconfig regdictionary regnamespace regoper regoperator
regproc regprocedure regrole regtype text tid time timestamp timestamptz timetz tsmultirange tsquery tsrange
tstzmultirange tstzrange tsvector txid_snapshot unknown uuid varbit varchar xid xid8 xml int integer bigint
smallint real float double decimal dec character nchar national boolean
""")


def refuse_unless_built_in(parts: tuple[str, ...]) -> None:
    """Raises Refusal unless the name is a built-in type. The reg… types are: they only look names up."""
    name = parts[-1].removeprefix("_") if parts[-1].startswith("_") else parts[-1]
    ours = parts[:-1] in ((), ("pg_catalog",)) and name in _BUILT_IN
    if not ours and parts[:-1] != ("information_schema",):
        raise Refusal(
            "user_defined_type",
            f"Type {'.'.join(parts)} is refused: it is not built in, so converting to it may run a user's code. "
            "Compare with a plain literal; the server converts it by itself.",
        )
