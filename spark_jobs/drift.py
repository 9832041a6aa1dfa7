"""What the headers of deliveries say before any record is read: unreadable, incomplete, or other than agreed."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from spark_jobs.batch import Batch
from spark_jobs.errors import DataError, OpslakeError, SourceError
from spark_jobs.forgotten import Forgotten
from spark_jobs.log import log
from spark_jobs.sources.headers import HeaderMap
from spark_jobs.sources.record import File
from state.forgotten import FORGOTTEN_WORD


class Headed(Protocol):
    """What knows the headers of deliveries."""

    def header(self, file: File) -> HeaderMap | None:
        """How the columns map onto the contract; None where records carry their own names. May raise SourceError."""


def look_at_headers(batch: Batch, source: Headed, forgotten: Forgotten | None = None) -> dict[date, OpslakeError]:
    """Days that lack a required column; those without a readable header fail at once and don't reach Bronze.

    No error shows a header that is a record of somebody who is `forgotten`.
    """
    contract = batch.contract
    missing: dict[date, OpslakeError] = {}
    extra: dict[str, int] = {}
    absent: dict[str, int] = {}
    for file in batch.files():
        try:
            header = source.header(file)
        except SourceError as error:
            batch.failures[file.logical_date] = error
            continue
        if header is None:
            continue
        is_record = forgotten is not None and any(map(forgotten.knows, header.names))
        shown = FORGOTTEN_WORD if is_record else ", ".join(header.names)
        lacking = set(header.missing)
        needed = [c.name for c in contract.columns if c.required and c.sources and set(c.sources) <= lacking]
        unknown = [name for name in header.extra if name]
        for counts, names in ((extra, unknown), (absent, lacking)):
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        if needed:
            missing[file.logical_date] = DataError(
                f"required column {', '.join(needed)} is missing",
                where=file.path,
                value=shown,
                hint="correct the delivery, or name the source column in the contract's transformSourceObjects",
            )
        elif contract.drift == "fail" and (unknown or lacking):
            missing[file.logical_date] = DataError(
                "the columns aren't those of the contract",
                where=file.path,
                value=shown,
                allowed=contract.source_names,
                hint="change the contract, or its driftPolicy to report",
            )
    if extra or absent:
        log.warning("schema.drift", dataset=contract.dataset, new_columns=extra, missing_columns=absent)
    return missing
