"""Objects that land: a delivery or a ready marker starts what is due, others are nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent

from state.lease import acquire
from tests.trigger_function.conftest import Store, bearer, client_of
from trigger_function.objects import Landed, what_landed

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from spark_jobs.contract import Contract
    from tests.trigger_function.batches import Batches

FINALIZED = "google.cloud.storage.object.v1.finalized"
DAILY = "opslake-daily-20260305-1"
MARCH_4 = date(2026, 3, 4)
Event = Callable[..., "TestResponse"]


@pytest.fixture
def landing_of_a_bucket(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """The landing root as a URI with a scheme, which is what events speak of."""
    monkeypatch.setenv("OPSLAKE_LANDING", f"file://{store.landing}")


@pytest.fixture
def event(landing_of_a_bucket: None, store: Store) -> Event:  # noqa: ARG001  (for its effect)
    """Posts the event of an object to the entry, in either form."""
    client = client_of("landed")

    def post(name: str, *, form: Any = to_binary, kind: str = FINALIZED, data: Any = None) -> TestResponse:
        bucket = f"{store.landing}".strip("/").partition("/")
        told = {"bucket": f"/{bucket[0]}", "name": f"{bucket[2]}/{name}"} if data is None else data
        headers, body = form(CloudEvent({"type": kind, "source": "//storage", "subject": name}, told))
        return client.post("/", headers={**headers, **bearer()}, data=body)

    return post


def test_both_forms_of_a_cloudevent_start_what_is_due(event: Event, store: Store, batches: Batches) -> None:
    """The second answers with the batch of the first: an event may come twice."""
    store.deliver("2026-03-04")

    first = event("tickets/2026/03/2026-03-04.csv", form=to_binary)
    second = event("tickets/2026/03/2026-03-04.csv", form=to_structured)

    assert (first.status_code, first.json["job"]["name"]) == (202, DAILY)
    assert (second.status_code, second.json["job"]["name"]) == (200, DAILY)
    assert batches.ids == [DAILY]


@pytest.mark.usefixtures("store", "batches")
def test_the_entry_works_as_a_cloudevent_function_too() -> None:
    """A platform that sets the signature for an event trigger gets the same entry."""
    headers, body = to_binary(CloudEvent({"type": FINALIZED, "source": "s"}, {"bucket": "b", "name": "n"}))
    client = client_of("landed", signature_type="cloudevent")

    assert client.post("/", headers={**headers, **bearer()}, data=body).json["status"] == "nothing_due"


@pytest.mark.parametrize(
    "name",
    [
        "tickets/2026/03/notes.txt",
        "tickets/2026/03/_2026-03-04.csv",
        "tickets/2026/02/2026-02-30.csv",
        "other/2026/03/2026-03-04.csv",
        "tickets/_ready/2026-03-04",
    ],
)
def test_other_objects_are_nothing_to_do(event: Event, store: Store, batches: Batches, name: str) -> None:
    """Neither is a marker of a dataset that waits for none; 200, so that the event isn't sent again."""
    store.deliver("2026-03-04")

    answer = event(name)

    assert (answer.status_code, answer.json["status"]) == (200, "nothing_due")
    assert answer.json["message"].startswith("nothing to do")
    assert batches.calls == []


def test_an_event_of_another_kind_is_nothing_to_do(event: Event, store: Store, batches: Batches) -> None:
    """An object that was deleted, say."""
    store.deliver("2026-03-04")

    answer = event("tickets/2026/03/2026-03-04.csv", kind="google.cloud.storage.object.v1.deleted")

    assert (answer.status_code, batches.calls) == (200, [])


@pytest.mark.usefixtures("batches")
def test_a_day_that_isnt_over_waits(event: Event, store: Store) -> None:
    """A run of all that is due goes up to yesterday."""
    store.deliver("2026-03-05")

    answer = event("tickets/2026/03/2026-03-05.csv")

    assert (answer.status_code, answer.json["message"]) == (200, "nothing to do: tickets 2026-03-05 isn't over yet")


def test_an_object_that_was_loaded_already_is_nothing_due(event: Event, store: Store, batches: Batches) -> None:
    """The same file again; what is due of other days is for the schedule."""
    store.deliver("2026-03-03")
    store.deliver("2026-03-04")
    store.load("2026-03-04")

    answer = event("tickets/2026/03/2026-03-04.csv")

    assert (answer.status_code, answer.json["status"], batches.calls) == (200, "nothing_due", [])


@pytest.mark.usefixtures("batches")
def test_an_old_day_that_is_corrected_is_due(event: Event, store: Store) -> None:
    """However long ago it was: the event names it."""
    store.deliver("2024-01-05")
    store.load("2024-01-05")
    store.deliver("2024-01-05", "ticket_id\nT1 corrected\n")

    assert event("tickets/2024/01/2024-01-05.csv").status_code == 202


@pytest.mark.usefixtures("batches")
def test_an_object_that_comes_while_the_batch_starts_is_in_time(event: Event, store: Store) -> None:
    """It hasn't taken the lake, so it will look after this."""
    store.deliver("2026-03-03")
    event("tickets/2026/03/2026-03-03.csv")
    store.deliver("2026-03-04")

    answer = event("tickets/2026/03/2026-03-04.csv")

    assert (answer.status_code, answer.json["status"]) == (200, "running")


def test_an_object_that_comes_while_the_batch_has_the_lake_comes_again(
    event: Event, store: Store, batches: Batches
) -> None:
    """The batch may have looked before: the event is to be sent once more."""
    store.deliver("2026-03-03")
    event("tickets/2026/03/2026-03-03.csv")
    batches.set_state(DAILY, "RUNNING")
    store.deliver("2026-03-04")
    with acquire(store.lake, run_id="of-the-batch", command="opslake run", lease_seconds=60):
        answer = event("tickets/2026/03/2026-03-04.csv")

    assert (answer.status_code, answer.json["status"]) == (409, "busy")
    batches.set_state(DAILY, "SUCCEEDED")
    assert event("tickets/2026/03/2026-03-04.csv").json["job"]["name"] == "opslake-daily-20260305-2"


@pytest.mark.parametrize("data", [None, {}, {"bucket": "b"}, {"bucket": 1, "name": "n"}, [], "text"])
@pytest.mark.usefixtures("landing_of_a_bucket")
def test_an_event_without_an_object_is_refused(data: Any) -> None:
    """With what it should name."""
    headers, body = to_structured(CloudEvent({"type": FINALIZED, "source": "s"}, data))

    answer = client_of("landed").post("/", headers={**headers, **bearer()}, data=body)

    assert (answer.status_code, answer.json["error"]["allowed"]) == (400, "bucket and name, both texts")


@pytest.mark.usefixtures("landing_of_a_bucket")
def test_what_is_no_event_is_refused_without_its_headers() -> None:
    """They hold the caller's token."""
    answer = client_of("landed").post("/", headers=bearer(), data=b"{}")

    assert (answer.status_code, answer.json["error"]["what"]) == (400, "not a CloudEvent")
    assert "eyJ" not in answer.text


@pytest.mark.usefixtures("landing_of_a_bucket")
def test_an_event_needs_an_identity_too() -> None:
    """Eventarc comes with a token as the scheduler does."""
    headers, body = to_binary(CloudEvent({"type": FINALIZED, "source": "s"}, {"bucket": "b", "name": "n"}))

    assert client_of("landed").post("/", headers=headers, data=body).status_code == 401


WAITING = """\
kind: DataContract
apiVersion: v3.1.0
id: tickets-with-markers
version: 1.0.0
status: active
customProperties:
  - {property: extends, value: builtin}
  - {property: readyMarker, value: true}
schema:
  - name: tickets
"""


def contracts_with_a_marker() -> list[Contract]:
    """The built-in contracts, of which that of tickets waits for markers."""
    from dataclasses import replace

    from spark_jobs.contract import load_contracts

    return [replace(c, ready_marker=c.dataset == "tickets") for c in load_contracts(None).values()]


@pytest.mark.parametrize(
    ("bucket", "name", "landing", "found"),
    [
        ("b", "tickets/2026/03/2026-03-04.csv", "gs://b", Landed("tickets", MARCH_4)),
        ("b", "in/tickets/2026/03/2026-03-04.csv.gz", "gs://b/in/", Landed("tickets", MARCH_4)),
        ("b", "in/tickets/_ready/2026-03-04", "s3a://b/in", Landed("tickets", MARCH_4, marker=True)),
        ("b", "in/agents_master/_ready/2026-03-04", "s3://b/in", None),
        ("b", "in/nothing/_ready/2026-03-04", "s3://b/in", None),
        ("b", "in/tickets/_ready/2026-02-30", "s3://b/in", None),
        ("b", "inner/tickets/2026/03/2026-03-04.csv", "gs://b/in", None),
        ("c", "tickets/2026/03/2026-03-04.csv", "gs://b", None),
        ("b", "tickets/2026/03/2026-03-04.csv", "/local/landing", None),
    ],
)
def test_an_objects_name_says_what_it_is(bucket: str, name: str, landing: str, found: Landed | None) -> None:
    """Below the landing root, whatever the scheme that it is written with."""
    assert what_landed(bucket, name, landing, contracts_with_a_marker()) == found


def test_objects_of_every_built_in_dataset_are_told_apart() -> None:
    """Folders in any case where the contract says so; a tab or a table, which has no file, is in nobody's way."""
    from spark_jobs.contract import load_contracts

    for name, found in (
        ("Call Logs/call_logs_day_2026-03-04.csv", "call_logs"),
        ("social_medias/media_complaint_day_2026-03-04.json", "social_complaints"),
        ("tickets/2026/03/2026-03-04.csv", "tickets"),
    ):
        assert what_landed("b", f"in/{name}", "gs://b/in", load_contracts().values()) == Landed(found, MARCH_4)


@pytest.mark.usefixtures("batches")
def test_files_wait_for_their_marker(
    event: Event, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The delivery alone starts nothing, its marker does."""
    contracts = tmp_path / "contracts"
    contracts.mkdir()
    (contracts / "tickets.odcs.yaml").write_text(WAITING)
    monkeypatch.setenv("OPSLAKE_CONTRACTS", str(contracts))
    monkeypatch.setenv("OPSLAKE_TODAY", str(datetime.now(UTC).date()))
    yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
    path = f"tickets/{yesterday[:4]}/{yesterday[5:7]}/{yesterday}.csv"
    store.deliver(yesterday)

    answer = event(path)
    assert (answer.status_code, answer.json["waiting"]) == (200, 1)
    assert "no ready marker" in answer.json["message"]

    marker = Path(store.landing, "tickets", "_ready", yesterday)
    marker.parent.mkdir()
    marker.touch()
    assert event(f"tickets/_ready/{yesterday}").status_code == 202
    assert event(path).status_code == 200
