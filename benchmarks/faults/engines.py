"""The engines that the benchmark can start, by the name that scenarios use. A new one is a lab and a line here."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.mysql_patient import WORDS, mariadb_lab, mysql_lab
from benchmarks.faults.names import Values
from benchmarks.faults.patient import Lab
from benchmarks.faults.postgresql_patient import PostgreSQLLab
from housecall.testing import POSTGRESQL
from housecall.testing_mysql import MARIADB, MYSQL


@dataclass(frozen=True, slots=True)
class EngineOfBench:
    """`folder`: where its scenarios are; two flavours share one. `words`: placeholders that mean something else on
    each engine. `lab` gets a folder of `scratch_folder`, which is removed in the end."""

    title: str
    folder: str
    is_installed: Callable[[], bool]
    lab: Callable[[Path], Lab]
    words: Values = field(default_factory=dict)


ENGINES: Mapping[str, EngineOfBench] = {
    "postgresql": EngineOfBench(POSTGRESQL.name, "postgresql", POSTGRESQL.is_complete, PostgreSQLLab),
    "mysql": EngineOfBench(MYSQL.name, "mysql", MYSQL.is_complete, mysql_lab, WORDS["mysql"]),
    "mariadb": EngineOfBench(MARIADB.name, "mysql", MARIADB.is_complete, mariadb_lab, WORDS["mariadb"]),
}


def scratch_folder() -> Path:
    """A folder for servers: in memory where there is room, which says nothing about the diagnosis."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() and shutil.disk_usage(memory).free > 6 * 1024**3 else None
    folder = Path(tempfile.mkdtemp(prefix="housecall-faults-", dir=where))
    folder.chmod(0o711)
    return folder
