"""Index advice: candidates from statements, what they would save, how to write them, and which indexes are needless."""

from housecall.advisor.index.benefit import Benefit
from housecall.advisor.index.candidates import Candidate, candidates
from housecall.advisor.index.facts import ColumnFacts, IndexFacts, TableFacts
from housecall.advisor.index.redundancy import Redundancy, covering_index, redundant_indexes
from housecall.advisor.index.statements import IndexStatement, create_index

__all__ = [
    "Benefit",
    "Candidate",
    "ColumnFacts",
    "IndexFacts",
    "IndexStatement",
    "Redundancy",
    "TableFacts",
    "candidates",
    "covering_index",
    "create_index",
    "redundant_indexes",
]
