"""What is due when the function is called, and when nothing is started all the same."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from state.lease import acquire
from state.ledger import Status
from tests.trigger_function.conftest import Call, Store

if TYPE_CHECKING:
    from tests.trigger_function.batches import Batches

DAILY = "opslake-daily-20260305-1"


def test_what_comes_after_a_batch_succeeded_gets_another(call: Call, store: Store, batches: Batches) -> None:
    """A day may have several deliveries; nothing is started while nothing is new."""
    store.deliver("2026-03-04")
    call()
    batches.set_state(DAILY, "SUCCEEDED")
    store.load("2026-03-04")
    assert call().json["status"] == "nothing_due"

    store.deliver("2026-03-04", "ticket_id\nT1 corrected\n")

    assert call().json["job"]["name"] == "opslake-daily-20260305-2"


def test_another_batch_of_the_lake_is_waited_for(call: Call, store: Store, batches: Batches) -> None:
    """A second one would end with 75 because the first has the lake; the scheduler is told to come again."""
    store.deliver("2026-03-04")
    call({"start": "2026-03-01", "end": "2026-03-04"})

    answer = call()

    assert (answer.status_code, answer.json["status"]) == (409, "busy")
    assert answer.headers["Retry-After"] == "60"
    assert answer.json["job"]["name"] == "opslake-backfill-20260301-20260304-1"
    assert batches.ids == ["opslake-backfill-20260301-20260304-1"]


def test_batches_of_other_lakes_are_none_of_its_business(
    call: Call, store: Store, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lakes in one project have two names."""
    store.deliver("2026-03-04")
    monkeypatch.setenv("TRIGGER_NAME", "staging")
    call()
    monkeypatch.delenv("TRIGGER_NAME")

    assert call().status_code == 202
    assert batches.ids == ["staging-daily-20260305-1", DAILY]


def test_a_lake_that_somebody_holds_is_waited_for(call: Call, store: Store, batches: Batches) -> None:
    """A run on a laptop, say: no batch is started only to find the lake taken."""
    store.deliver("2026-03-04")
    with acquire(store.lake, run_id="by-hand", command="opslake backfill", lease_seconds=60):
        answer = call()
        assert (answer.status_code, answer.json["status"]) == (409, "busy")
        assert answer.json["holder"] == "by-hand"
    assert batches.ids == []

    assert call().status_code == 202


@pytest.mark.usefixtures("batches")
def test_days_that_a_living_run_has_under_way_are_not_due(call: Call, store: Store) -> None:
    """They are due again when the run is dead."""
    store.deliver("2026-03-04")
    lease = acquire(store.lake, run_id="alive", command="opslake run", lease_seconds=60)
    store.put("2026-03-04", Status.RUNNING, attempt=1, run_id="alive")

    answer = call()
    assert (answer.status_code, answer.json["status"]) == (200, "nothing_due")
    assert "alive" in answer.json["message"]

    lease.release()
    assert call().status_code == 202


def test_nothing_due_is_said_and_asks_the_platform_nothing(call: Call, store: Store, batches: Batches) -> None:
    """Not even whether a batch runs."""
    store.deliver("2026-03-04")
    store.load("2026-03-04")

    answer = call()

    assert answer.status_code == 200
    assert answer.json["status"] == "nothing_due"
    assert answer.json["message"] == "nothing is due"
    assert batches.calls == []


def test_an_empty_lake_has_nothing_due(call: Call, store: Store, batches: Batches) -> None:
    """And looking at it makes nothing."""
    answer = call()

    assert (answer.status_code, answer.json["due"]) == (200, {"days": 0})
    assert not (store.folder / "lake").exists()
    assert batches.calls == []


@pytest.mark.usefixtures("batches")
def test_a_day_that_only_waits_starts_nothing(call: Call, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its delivery may still come: the answer says until when."""
    monkeypatch.delenv("OPSLAKE_TODAY")
    yesterday = date.today().toordinal() - 1
    store.deliver(str(date.fromordinal(yesterday - 1)))
    store.load(str(date.fromordinal(yesterday - 1)))

    answer = call()

    assert (answer.status_code, answer.json["waiting"]) == (200, 1)
    assert "may come until" in answer.json["message"]


def test_a_missing_day_is_due_once(call: Call, store: Store, batches: Batches) -> None:
    """A run has to say that it is missing; afterwards it is settled."""
    store.deliver("2026-03-03")
    store.load("2026-03-03")

    assert call().json["due"] == {
        "days": 1,
        "first": "2026-03-04",
        "last": "2026-03-04",
        "datasets": {"tickets": 1},
    }

    batches.set_state(DAILY, "SUCCEEDED")
    store.put("2026-03-04", Status.FAILED, error_class="missing_delivery")
    assert call().json["status"] == "nothing_due"


@pytest.mark.usefixtures("batches")
def test_a_settled_day_is_due_where_it_is_forced(call: Call, store: Store) -> None:
    """Without force the same call has nothing to do."""
    store.deliver("2026-03-04")
    store.load("2026-03-04")

    assert call({"date": "2026-03-04"}).json["status"] == "nothing_due"
    assert call({"date": "2026-03-04", "force": True}).status_code == 202


def test_a_failed_day_is_tried_three_times(call: Call, store: Store, batches: Batches) -> None:
    """Then the ledger has nothing due, and no schedule starts a batch for it for ever."""
    file = store.deliver("2026-03-04")
    assert file.exists()
    for attempt in (1, 2):
        store.put("2026-03-04", Status.FAILED, attempt=attempt, deliveries=(store.file_of("2026-03-04"),))
        assert call().status_code in (200, 202)
        batches.set_state(batches.ids[-1], "FAILED")
    assert len(batches.ids) == 2

    store.put("2026-03-04", Status.FAILED, attempt=3, deliveries=(store.file_of("2026-03-04"),))

    assert call().json["status"] == "nothing_due"


@pytest.mark.usefixtures("store", "batches")
def test_the_answer_is_json_that_names_its_type(call: Call) -> None:
    """Whatever the outcome."""
    for answer in (call(), call("no json"), call(headers={})):
        assert answer.mimetype == "application/json"
        assert json.loads(answer.data)["status"] in ("nothing_due", "refused")
