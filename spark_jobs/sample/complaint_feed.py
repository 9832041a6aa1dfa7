"""Where the sample's complaints go: CSV files, JSON documents of columns, tables of Postgres or Parquet instead."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from spark_jobs.sample.clock import DAY, Clock
from spark_jobs.sample.complaint_lists import COMPLAINT_AGENTS, COMPLAINT_CATEGORIES
from spark_jobs.sample.complaints import CALL_LOGS, SOCIAL, WEB, ComplaintKind
from spark_jobs.sample.kinds import Record
from spark_jobs.sample.landing import delivery_path, put
from spark_jobs.sample.layout import Layout
from spark_jobs.sample.truth import TruthWriter
from spark_jobs.sample.unordered import UnorderedFeed

if TYPE_CHECKING:
    import psycopg

CONTRACTS = "_contracts"
SCHEMA = "customer_complaints"
_CONTRACT = """\
# Written by `opslake sample`: reads {what} below the landing in the place of {instead}.
kind: DataContract
apiVersion: v3.1.0
id: sample-{dataset}
version: 1.0.0
status: active
customProperties:
  - {{property: extends, value: builtin}}
  - {{property: format, value: {format}}}
  - {{property: options, value: {{}}}}
  - {{property: path, value: {dataset}/%Y/%m/%Y-%m-%d.{format}}}
schema:
  - name: {dataset}
"""


class ComplaintFeed(UnorderedFeed):
    """Writes a channel's deliveries; tables of web forms go to `postgres` where it is given."""

    def __init__(
        self,
        out: Path,
        clock: Clock,
        kind: ComplaintKind,
        truth: TruthWriter,
        seed: int,
        dirt: bool,
        postgres: psycopg.Connection[Any] | None = None,
    ) -> None:
        super().__init__(out, clock, kind, truth, seed, dirt)
        self._channel, self._postgres = kind.channel, postgres
        self._indexes = Random(f"{seed}/{kind.dataset}/indexes")

    def _path(self, day: date, layout: Layout) -> str:
        if self._channel is CALL_LOGS:
            folder = "Call Logs" if layout.has("other_folder") else "call logs"
            return f"{folder}/call_logs_day_{day}{layout.suffix}"
        if self._channel is SOCIAL:
            return f"social_medias/media_complaint_day_{day}.json"
        if self._postgres is not None:
            name = f"Web_form_request_{day:%Y_%m_%d}"
            return f"postgres://{SCHEMA}.{name.lower() if layout.has('other_case') else name}"
        return delivery_path(WEB.dataset, day, ".parquet")

    def _ordered(self, records: list[Record]) -> list[Record]:
        """A table's rows have the order of their key and then of all columns as text, nothing first."""
        if self._channel is not WEB:
            return records
        return sorted(records, key=lambda r: [(v is not None, (v or "").encode()) for v in _values(r.texts)])

    def _put_file(self, path: str, day: date, records: Sequence[Record], layout: Layout, hours: int) -> None:
        if self._channel is CALL_LOGS:
            super()._put_file(path, day, records, layout, hours)
        elif self._channel is WEB and self._postgres is not None:
            self._put_table(path.rpartition(".")[2], records)
        else:
            content = self._document(records, layout) if self._channel is SOCIAL else _parquet(records)
            put(self._out, path, content, self._clock.midnight(day) + DAY + hours * 3600)

    def _document(self, records: Sequence[Record], layout: Layout) -> bytes:
        """A document of columns, whose indexes stand in no order; what is nothing is null or isn't there."""
        indexes = [3 * number for number in range(len(records))] if self._dirt else list(range(len(records)))
        shuffled = list(zip(indexes, records, strict=True))
        if self._dirt:
            self._indexes.shuffle(shuffled)
        document = {}
        for name, at in zip(layout.names, layout.order or (), strict=True):
            cells = {str(index): record.texts[at] or None for index, record in shuffled}
            if self._dirt and at != 0:
                cells = {i: cell for i, cell in cells.items() if cell is not None or self._indexes.random() < 0.5}
            document[name] = cells
        return json.dumps(document, ensure_ascii=False).encode()

    def _put_table(self, name: str, records: Sequence[Record]) -> None:
        assert self._postgres is not None
        columns = ", ".join(f"{column} text" for column in WEB.headers)
        self._postgres.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        self._postgres.execute(f'DROP TABLE IF EXISTS {SCHEMA}."{name}"')
        self._postgres.execute(f'CREATE TABLE {SCHEMA}."{name}" ({columns})')
        with self._postgres.cursor() as cursor, cursor.copy(f'COPY {SCHEMA}."{name}" FROM STDIN') as copy:
            for record in records:
                copy.write_row(_values(record.texts))


def write_contracts(out: Path, datasets: Sequence[str], *, with_postgres: bool) -> None:
    """Contracts that read files where the built-in ones read a server that the sample hasn't filled."""
    instead = {COMPLAINT_AGENTS: "a sheet's tab", COMPLAINT_CATEGORIES: "a sheet's tab"}
    if not with_postgres:
        instead[WEB.dataset] = "Postgres"
    for dataset, what in instead.items():
        if dataset in datasets:
            kind = "parquet" if dataset == WEB.dataset else "csv"
            text = _CONTRACT.format(dataset=dataset, format=kind, what=f"{kind} files", instead=what)
            folder = out / CONTRACTS
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{dataset}.odcs.yaml").write_text(text, encoding="utf-8")


def _values(texts: Sequence[str]) -> list[str | None]:
    """A row's values in the table's columns; empty ones are nothing."""
    return [texts[at] or None for at in WEB.order]


def _parquet(records: Sequence[Record]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*(_values(record.texts) for record in records), strict=True)) or [()] * len(WEB.headers)
    table = pa.table({n: pa.array(c, pa.string()) for n, c in zip(WEB.headers, columns, strict=True)})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()
