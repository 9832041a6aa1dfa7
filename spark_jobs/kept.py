"""Tables and tabs that Bronze has: a load that goes on after a kill asks their server for nothing of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from spark_jobs.contract import Contract
from spark_jobs.errors import EngineError
from spark_jobs.lookup import equals, open_table, select
from spark_jobs.sources.headers import HeaderMap, match_headers
from spark_jobs.sources.record import File


@dataclass(frozen=True)
class Kept:
    """Deliveries in Bronze, in the place of the source that they came from; `lake` is the lake's root."""

    lake: str
    contract: Contract

    def header(self, file: File) -> HeaderMap:
        """How the columns that were delivered map onto the contract."""
        table = open_table(self.lake, "bronze", self.contract.dataset)
        its = {"_logical_date": file.logical_date, "_delivery": file.delivery, "_source_file": file.path}
        where = " AND ".join(equals(name, value) for name, value in its.items())
        rows = select(table, f'SELECT "_header" FROM t WHERE {where} LIMIT 1') if table is not None else []
        if not rows:
            raise EngineError("Bronze doesn't have the delivery any more", where=file.path, hint="run again")
        return match_headers(
            json.loads(rows[0]["_header"]),
            self.contract.source_names,
            keep_source_row_id=self.contract.keep_source_row_id,
            where=file.path,
        )
