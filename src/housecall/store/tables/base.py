"""What all tables share: the schema, how constraints are named, and the few column shapes."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import LargeBinary, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.orm import DeclarativeBase, mapped_column

SCHEMA = "housecall"
HEAD = "0005"

_NAMES = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


class Base(DeclarativeBase):
    metadata = MetaData(schema=SCHEMA, naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        bytes: LargeBinary,
    }


def now() -> Any:
    return mapped_column(server_default=func.now())


def uuid(*args: Any, **options: Any) -> Any:
    return mapped_column(UUID(as_uuid=False), *args, **options)
