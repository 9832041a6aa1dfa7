"""A call by HTTP: one job for what is due, however often it is asked for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.trigger_function.conftest import SECRET, Call, Store

if TYPE_CHECKING:
    from tests.trigger_function.batches import Batches

DAILY = "opslake-daily-20260305-1"


def test_a_due_day_starts_one_batch(call: Call, store: Store, batches: Batches) -> None:
    """It is told which one, and why; the batch is all that was made."""
    store.deliver("2026-03-03")
    store.deliver("2026-03-04")

    answer = call()

    assert answer.status_code == 202
    assert answer.json == {
        "status": "started",
        "message": f"{DAILY} starts",
        "job": {"name": DAILY, "state": "PENDING"},
        "due": {"days": 2, "first": "2026-03-03", "last": "2026-03-04", "datasets": {"tickets": 2}},
        "waiting": 0,
        "holder": None,
        "attempt": 1,
    }
    assert batches.ids == [DAILY]


def test_the_batch_is_the_one_that_the_environment_describes(
    call: Call, store: Store, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every field of it; settings go to the driver, but not the receivers of messages, which hold passwords."""
    store.deliver("2026-03-04")
    for name, value in {
        "TRIGGER_NAME": "acme-lake",
        "TRIGGER_PY_FILES": "gs://code/1/opslake.zip",
        "TRIGGER_ARCHIVES": "gs://code/1/opslake-env.tar.gz#environment, gs://code/1/more.tar.gz",
        "TRIGGER_JARS": "gs://code/1/delta.jar",
        "TRIGGER_RUNTIME_VERSION": "2.3",
        "TRIGGER_CONTAINER_IMAGE": "europe-docker.pkg.dev/acme/opslake:1",
        "TRIGGER_SERVICE_ACCOUNT": "job@acme.iam.gserviceaccount.com",
        "TRIGGER_SUBNETWORK": "batches",
        "TRIGGER_STAGING_BUCKET": "staging",
        "TRIGGER_NETWORK_TAGS": "spark",
        "TRIGGER_TTL_SECONDS": "7200",
        "TRIGGER_LABELS": '{"team": "support"}',
        "TRIGGER_PROPERTIES": '{"spark.executor.instances": "2"}',
        "OPSLAKE_BUSINESS_TIMEZONE": "Asia/Kolkata",
        "OPSLAKE_GOLD_THREADS": "8",
    }.items():
        monkeypatch.setenv(name, value)

    assert call().status_code == 202

    (request,) = batches.created
    batch = request.batch
    assert (request.parent, request.batch_id) == ("projects/acme/locations/europe-west1", "acme-lake-daily-20260305-1")
    assert batch.pyspark_batch.main_python_file_uri == "gs://code/1/daily.py"
    assert list(batch.pyspark_batch.args) == ["--lake", store.lake, "--landing", store.landing]
    assert list(batch.pyspark_batch.python_file_uris) == ["gs://code/1/opslake.zip"]
    assert list(batch.pyspark_batch.archive_uris) == [
        "gs://code/1/opslake-env.tar.gz#environment",
        "gs://code/1/more.tar.gz",
    ]
    assert list(batch.pyspark_batch.jar_file_uris) == ["gs://code/1/delta.jar"]
    assert batch.runtime_config.version == "2.3"
    assert batch.runtime_config.container_image == "europe-docker.pkg.dev/acme/opslake:1"
    assert dict(batch.runtime_config.properties) == {
        "spark.dataproc.driverEnv.OPSLAKE_BUSINESS_TIMEZONE": "Asia/Kolkata",
        "spark.dataproc.driverEnv.OPSLAKE_GOLD_THREADS": "8",
        "spark.dataproc.driverEnv.OPSLAKE_TODAY": "2026-03-05",
        "spark.executor.instances": "2",
    }
    execution = batch.environment_config.execution_config
    assert execution.service_account == "job@acme.iam.gserviceaccount.com"
    assert (execution.subnetwork_uri, execution.staging_bucket) == ("batches", "staging")
    assert list(execution.network_tags) == ["spark"]
    assert execution.authentication_config.user_workload_authentication_type.name == "SERVICE_ACCOUNT"
    assert execution.ttl.total_seconds() == 7200
    assert dict(batch.labels) == {"team": "support", "trigger": "acme-lake", "call": "daily"}
    assert SECRET not in str(request)


@pytest.mark.parametrize(
    ("asked", "name", "script", "options"),
    [
        ({"date": "2026-03-04"}, "opslake-date-20260304-1", "daily", ["--date", "2026-03-04"]),
        (
            {"start": "2026-03-01", "end": "2026-03-04"},
            "opslake-backfill-20260301-20260304-1",
            "backfill",
            ["--start", "2026-03-01", "--end", "2026-03-04"],
        ),
        (
            {"date": "2026-03-04", "force": True},
            "opslake-date-20260304-forced-1",
            "daily",
            ["--date", "2026-03-04", "--force"],
        ),
        ({"start": "2026-03-04", "end": "2026-03-04"}, "opslake-date-20260304-1", "daily", ["--date", "2026-03-04"]),
    ],
)
def test_days_that_are_asked_for_become_the_commands_options(
    call: Call, store: Store, batches: Batches, asked: dict[str, Any], name: str, script: str, options: list[str]
) -> None:
    """A day is a run, several are a backfill; name and options follow from the days."""
    store.deliver("2026-03-04")

    assert call(asked).status_code == 202

    (request,) = batches.created
    assert request.batch_id == name
    assert request.batch.pyspark_batch.main_python_file_uri == f"gs://code/1/{script}.py"
    assert list(request.batch.pyspark_batch.args)[4:] == options


def test_the_options_are_those_that_the_command_takes(call: Call, store: Store, batches: Batches) -> None:
    """The entry point sorts them as it would sort a person's."""
    from spark_jobs.submitted import split_arguments

    store.deliver("2026-03-04")
    call({"date": "2026-03-04", "force": True})

    root, own = split_arguments(list(batches.created[0].batch.pyspark_batch.args))

    assert root == ["--lake", store.lake, "--landing", store.landing]
    assert own == ["--date", "2026-03-04", "--force"]


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "CANCELLING"])
def test_a_repeated_call_answers_with_the_batch_that_exists(
    call: Call, store: Store, batches: Batches, state: str
) -> None:
    """Whatever it is at, as long as it isn't over."""
    store.deliver("2026-03-04")
    call()
    batches.set_state(DAILY, state)

    answer = call()

    assert (answer.status_code, answer.json["status"]) == (200, "running")
    assert answer.json["job"] == {"name": DAILY, "state": state}
    assert batches.ids == [DAILY]


def test_what_a_running_batch_works_off_changes_no_name(call: Call, store: Store, batches: Batches) -> None:
    """With the first of two days done, fewer are due; it is the same call for the same batch."""
    store.deliver("2026-03-03")
    store.deliver("2026-03-04")
    call()
    batches.set_state(DAILY, "RUNNING")
    store.load("2026-03-03")

    answer = call()

    assert (answer.status_code, answer.json["job"]["name"]) == (200, DAILY)
    assert answer.json["due"]["days"] == 1
    assert batches.ids == [DAILY]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_dead_batch_gets_the_next_attempt(call: Call, store: Store, batches: Batches, state: str) -> None:
    """And that one is then the one that exists."""
    store.deliver("2026-03-04")
    call()
    batches.set_state(DAILY, state)

    second, third = call(), call()

    assert (second.status_code, second.json["attempt"]) == (202, 2)
    assert (third.status_code, third.json["job"]["name"]) == (200, "opslake-daily-20260305-2")
    assert batches.ids == [DAILY, "opslake-daily-20260305-2"]


def test_calls_at_the_same_moment_start_one_batch(store: Store, batches: Batches) -> None:
    """Eight of them find nothing, and all ask for the same batch: id and request id make it one."""
    import trigger_function.dataproc as module
    from trigger_function.asked import Asked
    from trigger_function.dataproc import Dataproc
    from trigger_function.environment import OnDataproc, own_settings
    from trigger_function.platform import Work

    together = threading.Barrier(8)
    batches.before_create = lambda _request: together.wait(timeout=20) and None
    platform = Dataproc(own_settings(OnDataproc), store.lake, {}, module.client_of("europe-west1"))

    def start(_number: int) -> Any:
        return platform.start(DAILY, Work(Asked(), {}))

    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(start, range(8)))

    assert {job.name for job in jobs} == {DAILY}
    assert batches.ids == [DAILY]
    assert len({request.request_id for request in batches.created}) == 1


def test_an_id_that_another_request_took_is_answered_with_that_batch(store: Store, batches: Batches) -> None:
    """A batch that somebody made by hand under this very id is found, not made again."""
    from google.cloud import dataproc_v1

    import trigger_function.dataproc as module
    from trigger_function.asked import Asked
    from trigger_function.environment import OnDataproc, own_settings
    from trigger_function.platform import Work

    batch = dataproc_v1.Batch(state=dataproc_v1.Batch.State.RUNNING)
    batches.put("projects/acme/locations/europe-west1", DAILY, batch)
    platform = module.Dataproc(own_settings(OnDataproc), store.lake, {}, module.client_of("europe-west1"))

    job = platform.start(DAILY, Work(Asked(), {}))

    assert job is not None
    assert (job.name, job.state) == (DAILY, "RUNNING")


def test_request_ids_are_such_as_the_service_takes(call: Call, store: Store, batches: Batches) -> None:
    """A UUID that is another for another attempt and another lake, and the same for the same."""
    from trigger_function.naming import request_id

    store.deliver("2026-03-04")
    call()

    (request,) = batches.created
    assert request.request_id == request_id(store.lake, DAILY)
    assert len(request.request_id) == 36
    assert request_id(store.lake, "opslake-daily-20260305-2") != request.request_id
    assert request_id("gs://other", DAILY) != request.request_id
