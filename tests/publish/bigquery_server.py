"""As much of BigQuery as its Python client calls here: datasets, tables and views over HTTP, queries by DuckDB.

An external Delta table is read when it is made, a view is executed then, as BigQuery checks it. Refused is what
BigQuery refuses: names and labels that it can't have, columns with reserved beginnings, and for an analyst whatever
isn't in the analysts' dataset or authorised for it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from tests.publish.duck import Duck, arrow

TYPES = {
    "VARCHAR": "STRING",
    "BIGINT": "INTEGER",
    "INTEGER": "INTEGER",
    "HUGEINT": "INTEGER",
    "DOUBLE": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}
RESERVED = ("_PARTITION", "_TABLE_", "_FILE_", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER")
LABEL = re.compile(r"[a-z0-9_-]{1,63}")
Reference = tuple[str, str]


class Refused(Exception):
    """An answer that is an error: its status and what it says."""

    def __init__(self, status: int, message: str) -> None:
        """An HTTP status and a message."""
        super().__init__(message)
        self.status = status


class BigQuery:
    """The state of the service; `buckets` are folders by the name of the bucket that they stand for."""

    def __init__(self, project: str, location: str, buckets: Mapping[str, Path]) -> None:
        """Without datasets."""
        self.project, self.location, self.buckets = project, location, buckets
        self.datasets: dict[str, dict[str, Any]] = {}
        self.tables: dict[Reference, dict[str, Any]] = {}
        self.duck, self.lock = Duck(), threading.Lock()
        self.analyst_of: str | None = None
        self.writes: list[str] = []
        self.endpoint = ""

    def add_dataset(self, name: str, location: str | None = None) -> None:
        """An empty dataset."""
        reference = {"projectId": self.project, "datasetId": name}
        place = location or self.location
        self.datasets[name] = {"datasetReference": reference, "location": place, "access": [], "etag": "1"}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call."""
        if method != "GET" and not path.endswith("/queries"):
            self.writes.append(f"{method} {path}")
        parts = path.removeprefix("/bigquery/v2/projects/").split("/")
        match [method, *parts[1:]]:
            case ["POST", "queries"]:
                return self._query(body["query"])
            case ["GET", "datasets", dataset]:
                return self._dataset(dataset)
            case ["PATCH", "datasets", dataset]:
                return self._dataset(dataset) | self.datasets[dataset].__ior__(body)
            case ["POST", "datasets", dataset, "tables"]:
                self._dataset(dataset)
                return self._put((dataset, body["tableReference"]["tableId"]), body, new=True)
            case ["GET", "datasets", dataset, "tables", table]:
                return self._table((dataset, table))
            case ["PATCH", "datasets", dataset, "tables", table]:
                merged = {**self._table((dataset, table)), **body}
                return self._put((dataset, table), merged, new=False)
            case ["DELETE", "datasets", dataset, "tables", table]:
                self._table((dataset, table))
                del self.tables[dataset, table]
                self.duck.drop(dataset, table)
                return {}
        raise Refused(501, f"{method} {path}")

    def _dataset(self, name: str) -> dict[str, Any]:
        if name not in self.datasets:
            raise Refused(404, f"Not found: Dataset {self.project}:{name}")
        return self.datasets[name]

    def _table(self, reference: Reference) -> dict[str, Any]:
        if reference not in self.tables:
            raise Refused(404, f"Not found: Table {self.project}:{'.'.join(reference)}")
        return self.tables[reference]

    def _put(self, reference: Reference, resource: dict[str, Any], *, new: bool) -> dict[str, Any]:
        if new and reference in self.tables:
            raise Refused(409, f"Already Exists: Table {self.project}:{'.'.join(reference)}")
        if not re.fullmatch(r"\w{1,1024}", reference[1]):
            raise Refused(400, f"Invalid table ID {reference[1]!r}")
        for label in (text for pair in resource.get("labels", {}).items() for text in pair):
            if not LABEL.fullmatch(label):
                raise Refused(400, f"Invalid label {label!r}")
        if "view" in resource:
            self._check_view(reference, resource["view"]["query"])
            kept = {**resource, "type": "VIEW"}
        else:
            kept = {**resource, "type": "EXTERNAL", **self._read(reference, resource)}
        self.tables[reference] = {**kept, "etag": "1", "id": f"{self.project}:{'.'.join(reference)}"}
        return self.tables[reference]

    def _check_view(self, reference: Reference, sql: str) -> None:
        try:
            self.duck.put_view(*reference, sql, "bigquery")
        except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
            raise Refused(400, f"Invalid view: {error}\n{sql}") from error
        self._refuse_reserved(self.duck.columns(*reference))

    def _read(self, reference: Reference, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Look into the table's files, as is done when an external table is made."""
        external = dict(resource["externalDataConfiguration"])
        if external["sourceFormat"] != "DELTA_LAKE" or not external.get("connectionId"):
            raise Refused(400, "only BigLake tables of Delta Lake are known here")
        external["connectionId"] = ".".join(
            re.split(r"projects/|/locations/|/connections/|\.", external["connectionId"])
        )
        (uri,) = external["sourceUris"]
        bucket, _, folder = uri.removeprefix("gs://").partition("/")
        if not uri.startswith("gs://") or "*" in uri or bucket not in self.buckets:
            raise Refused(400, f"no Delta Lake table at {uri}")
        rows = arrow(self.buckets[bucket] / folder)
        fields = resource.get("schema", {}).get("fields") if not external.get("autodetect") else None
        names = [field["name"] for field in fields] if fields else rows.column_names
        self._refuse_reserved(names)
        self.duck.put_table(*reference, rows, names)
        return {
            "externalDataConfiguration": external,
            "schema": {"fields": fields or [{"name": n, "type": "STRING"} for n in names]},
        }

    def _refuse_reserved(self, names: Any) -> None:
        for name in names:
            if name.upper().startswith(RESERVED):
                told = (
                    f"Field names are not allowed to start with the (case-insensitive) prefixes {', '.join(RESERVED)}"
                )
                raise Refused(400, f'Invalid field name "{name}". {told}')

    def _query(self, sql: str) -> dict[str, Any]:
        if self.analyst_of is not None:
            self._refuse_others(sql, self.analyst_of)
        types, rows = self.duck.run(sql, "bigquery")
        return {
            "jobReference": {"projectId": self.project, "jobId": "1", "location": self.location},
            "jobComplete": True,
            "totalRows": str(len(rows)),
            "schema": {"fields": [_field(name, kind) for name, kind in types.items()]},
            "rows": [{"f": [{"v": _value(value)} for value in row.values()]} for row in rows],
        }

    def _refuse_others(self, sql: str, dataset: str) -> None:
        """An analyst reads one dataset; its views reach further only where the other dataset authorised them."""
        for table in _tables(sql):
            if table.db != dataset:
                raise Refused(403, f"Access Denied: Table {table.db}.{table.name}")
            for source in _tables(self.tables[dataset, table.name]["view"]["query"]):
                reader = {"dataset": {"projectId": self.project, "datasetId": dataset}, "targetTypes": ["VIEWS"]}
                allowed = [each.get("dataset") for each in self.datasets[source.db]["access"]]
                if source.db != dataset and reader not in allowed:
                    raise Refused(403, f"Access Denied: View {dataset}.{table.name} isn't authorized on {source.db}")


def _tables(sql: str) -> list[exp.Table]:
    """The tables that a query names, without those that it makes itself."""
    tree = sqlglot.parse_one(sql, read="bigquery")
    made = {cte.alias for cte in tree.find_all(exp.CTE)}
    return [table for table in tree.find_all(exp.Table) if table.db or table.name not in made]


def _field(name: str, kind: str) -> dict[str, Any]:
    if kind.endswith("[]"):
        return _field(name, kind[:-2]) | {"mode": "REPEATED"}
    return {
        "name": name,
        "type": TYPES.get(kind, "NUMERIC" if kind.startswith("DECIMAL") else kind),
        "mode": "NULLABLE",
    }


def _value(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return [{"v": _value(one)} for one in value]
    if isinstance(value, datetime):
        return str(round((value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000))
    return value.isoformat() if isinstance(value, date) else str(value)


@contextmanager
def serving(service: BigQuery) -> Iterator[BigQuery]:
    """The service on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            try:
                with service.lock:
                    status, answer = 200, service.answer(self.command, self.path.partition("?")[0], body)
            except Refused as refused:
                reason = {403: "accessDenied", 404: "notFound", 409: "duplicate"}.get(refused.status, "invalid")
                told = {"code": refused.status, "message": str(refused), "errors": [{"reason": reason}]}
                status, answer = refused.status, {"error": told}
            except Exception as error:  # the client would try again for minutes where the connection breaks
                status, answer = 400, {"error": {"code": 400, "message": f"{type(error).__name__}: {error}"}}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _do

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    service.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
