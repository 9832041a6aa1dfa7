"""What a parser of files is given and yields: numbered records, each fields or the text that could not be read.

Records are plain tuples, because hundreds of thousands of them pass through one task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from state.landing import Delivery

if TYPE_CHECKING:
    import pyarrow as pa

Row: TypeAlias = tuple[int, Sequence[str | None] | None, str | None]
"""(record number from 1, the values in the header's order or None, the text of a malformed record or None)."""

ObjectRow: TypeAlias = tuple[int, dict[str, str | None] | None, str | None]
"""(record number from 1, the values by their delivered name or None, the text of a malformed record or None)."""


Each: TypeAlias = "Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]"
"""What a task does with the batches that it reads, in the shape of Bronze."""


class ReadLayout(Protocol):
    """What of a contract a task needs to read a file."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The source options, as the contract spells them."""

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the contract's columns."""

    @property
    def keep_source_row_id(self) -> bool:
        """Whether an exported index is kept."""


@dataclass(frozen=True)
class File:
    """One landing file of a delivery, or a table or tab in the place of one."""

    path: str
    modified: datetime
    logical_date: date
    delivery: str
    size: int


def lineage_of(file: File, run_id: str, load_time: datetime) -> dict[str, Any]:
    """The lineage columns that all records of a file share."""
    return {
        "_source_file": file.path,
        "_file_modified": file.modified,
        "_delivery": file.delivery,
        "_logical_date": file.logical_date,
        "_load_time": load_time,
        "_run_id": run_id,
    }


@dataclass(frozen=True)
class Asked:
    """What a source that isn't files is asked: the ledger's deliveries by day, and the latest day that counts."""

    days: Mapping[date, Sequence[Delivery]]
    latest: date

    @property
    def known(self) -> dict[str, Delivery]:
        """The ledger's deliveries by path."""
        return {d.path: d for files in self.days.values() for d in files}
