"""A lake and a landing of a few days, and what an entry of the function needs around it."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from state.landing import Delivery, find_deliveries
from state.ledger import DayState, Ledger, Status

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.trigger_function.batches import Batches

TODAY = "2026-03-05"
URL = "https://trigger-abc.a.run.app"
SECRET = "mailto://ops:hunter2-very-secret@mail.example.com"
SOURCE = Path(__file__).parents[2] / "trigger_function" / "main.py"
ENVIRONMENT = {
    "TRIGGER_PROJECT": "acme",
    "TRIGGER_REGION": "europe-west1",
    "TRIGGER_AUDIENCE": URL,
    "TRIGGER_DAILY_FILE": "gs://code/1/daily.py",
    "TRIGGER_BACKFILL_FILE": "gs://code/1/backfill.py",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The function's environment, and nothing else of the caller's."""
    for name in list(os.environ):
        if name.startswith(("OPSLAKE_", "TRIGGER_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPSLAKE_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("OPSLAKE_LANDING", str(tmp_path / "landing"))
    monkeypatch.setenv("OPSLAKE_TODAY", TODAY)
    monkeypatch.setenv("OPSLAKE_NOTIFY", SECRET)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True)
class Store:
    """A lake root and a landing root in a folder."""

    folder: Path

    @property
    def lake(self) -> str:
        return str(self.folder / "lake")

    @property
    def landing(self) -> str:
        return str(self.folder / "landing")

    def deliver(self, day: str, text: str = "ticket_id\nT1\n", dataset: str = "tickets") -> Path:
        """A file of one day."""
        file = Path(self.landing, dataset, day[:4], day[5:7], f"{day}.csv")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def file_of(self, day: str, dataset: str = "tickets") -> Delivery:
        """The day's file as the landing shows it."""
        found = find_deliveries(self.landing, f"{dataset}/%Y/%m/%Y-%m-%d.csv")
        return found[date.fromisoformat(day)][0]

    def put(self, day: str, status: Status = Status.SUCCEEDED, dataset: str = "tickets", **known: Any) -> None:
        """A row of the ledger."""
        Ledger(self.lake).put(DayState(dataset, date.fromisoformat(day), status, **known))

    def load(self, day: str, dataset: str = "tickets") -> None:
        """A day that succeeded with the file that lies there."""
        file = self.file_of(day, dataset)
        self.put(day, dataset=dataset, attempt=1, deliveries=(file,), loaded=(file.delivery,))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty lake and landing."""
    return Store(tmp_path)


def token(*, signature: str = "SIGNATURE_REMOVED_BY_GOOGLE", **claims: Any) -> str:
    """An ID token as the platform hands it on; `claims` over those that are right."""
    right = {
        "iss": "https://accounts.google.com",
        "aud": URL,
        "exp": time.time() + 600,
        "email": "scheduler@acme.iam.gserviceaccount.com",
        "email_verified": True,
    }
    parts = [{"alg": "RS256", "typ": "JWT"}, {**right, **claims}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, signature])


def bearer(**claims: Any) -> dict[str, str]:
    """The header with such a token."""
    return {"Authorization": f"Bearer {token(**claims)}"}


Call = Callable[..., "TestResponse"]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[Batches]:
    """Dataproc, as a server of its own protocol that the function's client talks to."""
    from tests.trigger_function.batches import batch_server
    from trigger_function import dataproc

    with batch_server() as (held, client):
        monkeypatch.setattr(dataproc, "client_of", lambda _region: client)
        yield held


def client_of(target: str, **options: Any) -> FlaskClient:
    """The framework's own application around one entry."""
    import functions_framework

    client: FlaskClient = functions_framework.create_app(target, str(SOURCE), **options).test_client()
    return client


@pytest.fixture
def call() -> Call:
    """Calls the HTTP entry with a JSON object, or with none."""
    client = client_of("trigger")

    def post(values: Any = None, **options: Any) -> TestResponse:
        body = {} if values is None else {"data": values if isinstance(values, str) else json.dumps(values)}
        return client.post("/", **{"headers": bearer(), **body, **options})

    return post
