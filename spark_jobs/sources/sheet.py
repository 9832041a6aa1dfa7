"""Google Sheets: a tab is a table of what its cells show, its first row the header.

A tab whose name has no day is as of now: its content is a delivery of the latest day that a run is about, unless it is
still what the day before it brought.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from spark_jobs.contract.references import is_reference
from spark_jobs.credentials import given, resolve
from spark_jobs.errors import SourceError, Unreachable, nearest
from spark_jobs.sources.batches import bronze_schema, record_batches
from spark_jobs.sources.headers import HeaderMap, match_headers
from spark_jobs.sources.record import Asked, File, lineage_of
from spark_jobs.tries import three_tries
from state.landing import Delivery, day_in, template_pattern

if TYPE_CHECKING:
    import gspread
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from spark_jobs.contract import Contract

SCOPES = ("https://www.googleapis.com/auth/spreadsheets.readonly",)
SECONDS = 30
"""What Google may take to answer."""
Answer = TypeVar("Answer")
Cells = list[list[str]]


def find(contract: Contract, asked: Asked) -> dict[date, list[Delivery]]:
    """The tabs that match the contract's path by day, or the one that it names under the day that brought its content.

    SourceError when a tab that is named isn't there, `Unreachable` when Google didn't answer three times.
    """
    return three_tries(lambda: _find(contract, asked))


def _find(contract: Contract, asked: Asked) -> dict[date, list[Delivery]]:
    book = _book(contract)
    found: dict[date, list[Delivery]] = {}
    for name, day in _tabs(contract, book):
        path, cells = f"sheet://{book.title}/{name}", _cells(book, name)
        if day is not None:
            found.setdefault(day, []).append(_delivery(path, cells, asked.days.get(day, ())))
            continue
        brought = max((d for d, files in asked.days.items() if files), default=None)
        before = asked.days[brought] if brought is not None else ()
        now = _delivery(path, cells, before)
        found[brought if brought is not None and now in before else asked.latest] = [now]
    return dict(sorted(found.items()))


@contextmanager
def opened(contract: Contract, deliveries: Mapping[date, Sequence[Delivery]]) -> Iterator[Tabs]:
    """The tabs as they are at this moment; SourceError for one that isn't there any more.

    Whoever opens them tries again where that is `Unreachable`.
    """
    book = _book(contract)
    there = {f"sheet://{book.title}/{name}": name for name, _ in _tabs(contract, book)}
    tabs = Tabs(contract)
    for day, files in deliveries.items():
        for file in files:
            if file.path not in there:
                raise SourceError("the tab isn't there any more", where=file.path)
            tabs.cells[file.path] = _cells(book, there[file.path])
        tabs.deliveries[day] = tuple(_delivery(file.path, tabs.cells[file.path], files) for file in files)
    yield tabs


@dataclass
class Tabs:
    """The cells of some tabs."""

    contract: Contract
    deliveries: dict[date, tuple[Delivery, ...]] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)

    def header(self, file: File) -> HeaderMap:
        """How the tab's first row maps onto the contract; SourceError when it is blank."""
        cells = self.cells[file.path]
        if not cells or not any(cells[0]):
            raise SourceError("the tab has no header", where=file.path, hint="its first row must name the columns")
        return match_headers(
            cells[0],
            self.contract.source_names,
            keep_source_row_id=self.contract.keep_source_row_id,
            where=file.path,
        )

    def is_small(self, _files: Sequence[File], _driver_bytes: int) -> bool:
        """A spreadsheet has at most ten million cells."""
        return True

    def here(self, files: Sequence[File], *, run_id: str, load_time: datetime) -> pa.Table:
        """The rows in the shape of Bronze; blank rows are none."""
        import pyarrow as pa

        known = self.contract.source_names
        batches: list[pa.RecordBatch] = []
        for file in files:
            filled = (row for row in self.cells[file.path][1:] if any(cell.strip() for cell in row))
            rows = ((number, row, None) for number, row in enumerate(filled, start=1))
            batches += record_batches(rows, self.header(file), known, lineage_of(file, run_id, load_time))
        return pa.Table.from_batches(batches, bronze_schema(known))

    def there(self, *_: object, **__: object) -> DataFrame:
        """Never asked for: every tab is small."""
        raise NotImplementedError

    def explained(self, _error: Exception) -> None:
        """Nothing is read later."""
        return


def client_of(account: Mapping[str, Any]) -> gspread.Client:
    """A client that acts as the service account."""
    import gspread
    from google.oauth2.service_account import Credentials

    credentials: Any = Credentials
    client = gspread.authorize(credentials.from_service_account_info(account, scopes=SCOPES))
    client.set_timeout(SECONDS)
    return client


def _book(contract: Contract) -> gspread.Spreadsheet:
    """The contract's spreadsheet, which is named by its id or address."""
    stated = str(contract.options["spreadsheet"])
    name = given(stated)
    where = f"{contract.dataset}, spreadsheet {stated if is_reference(stated) else name}"
    try:
        account = json.loads(resolve(contract.options["credentials"]))
        client = client_of(account)
    except (ValueError, TypeError, AttributeError):  # whose text may hold the key
        hint = "it is the JSON that Google gives for a key"
        raise SourceError("not a service account", where=contract.options["credentials"], hint=hint) from None
    return _asked(lambda: client.open_by_url(name) if "/" in name else client.open_by_key(name), where)


def _tabs(contract: Contract, book: gspread.Spreadsheet) -> list[tuple[str, date | None]]:
    """The names of the tabs that the contract's path means, with their days."""
    names = [sheet.title for sheet in _asked(book.worksheets, book.title)]
    if "%" in contract.path:
        pattern = template_pattern(contract.path, ignore_case=contract.path_ignores_case)
        days = {name: day_in(pattern, name) for name in names}
        return [(name, day) for name, day in days.items() if day is not None]
    exact = [name for name in names if name == contract.path]
    alike = exact or [name for name in names if name.strip().casefold() == contract.path.casefold()]
    if len(alike) != 1:
        what = "there is no such tab" if not alike else "two tabs have this name but for its case"
        hint = nearest(contract.path, names)
        raise SourceError(what, where=f"sheet://{book.title}", value=contract.path, allowed=names, hint=hint)
    return [(alike[0], None)]


def _cells(book: gspread.Spreadsheet, name: str) -> Cells:
    """What the tab's cells show, every row of one width."""
    found = _asked(lambda: book.worksheet(name).get_all_values(), f"sheet://{book.title}/{name}")
    return [[str(cell) for cell in row] for row in found]


def _delivery(path: str, cells: Cells, before: Sequence[Delivery]) -> Delivery:
    """The tab's content; the same content keeps the time at which it was first seen."""
    text = json.dumps(cells).encode()
    checksum = hashlib.sha256(text).hexdigest()
    same = next((d for d in before if (d.path, d.checksum) == (path, checksum)), None)
    return same or Delivery(path, len(text), checksum, datetime.now(UTC))


def _asked(call: Callable[[], Answer], where: str) -> Answer:
    """Google's answer; `Unreachable` when there is none, SourceError when it is no."""
    import requests
    from google.auth.exceptions import GoogleAuthError, TransportError
    from gspread.exceptions import APIError, NoValidUrlKeyFound, SpreadsheetNotFound

    try:
        return call()
    except (requests.ConnectionError, requests.Timeout, TransportError) as error:
        raise Unreachable(f"Google doesn't answer ({type(error).__name__})", where=where) from None
    except (SpreadsheetNotFound, NoValidUrlKeyFound):
        raise SourceError("there is no such spreadsheet", where=where) from None
    except PermissionError:
        hint = "share it with the service account's e-mail address"
        raise SourceError("the service account may not read it", where=where, hint=hint) from None
    except GoogleAuthError as error:
        raise SourceError(f"the service account isn't accepted ({type(error).__name__})", where=where) from None
    except APIError as error:
        kind = Unreachable if error.code == 429 or error.code >= 500 or error.code < 0 else SourceError
        raise kind(f"Google says no ({error.code})", where=where) from None
