"""The twin on AWS: the same answers, with runs of a Glue job that a server of its protocol holds."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from state.lease import acquire
from state.ledger import DayState, Ledger, Status
from tests.trigger_function.conftest import ENVIRONMENT, SECRET, Store
from trigger_function.aws_lambda import BadRequest, LakeBusy, PlatformFailed, TriggerFailed, handler

DAILY = "opslake-daily-20260305-1"
SCHEDULED = {"detail-type": "Scheduled Event", "source": "aws.events", "time": "2026-03-05T02:30:00Z", "detail": {}}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A moto server."""
    from moto.server import ThreadedMotoServer

    one = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    one.start()
    host, port = one.get_host_and_port()
    yield f"http://{host}:{port}"
    one.stop()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Buckets on a moto server in a process of its own: delta-rs reads with Python's lock in its hand."""
    import boto3
    import requests

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while time.monotonic() < until:
        try:
            requests.get(f"{url}/moto-api/", timeout=5)
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    for name, value in {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield boto3.client("s3", endpoint_url=url)
    process.terminate()
    process.wait(timeout=30)


class Runs:
    """The runs of the job `opslake` on the server; moto runs no script, so what becomes of them is put in by hand."""

    def __init__(self, client: Any) -> None:
        self.client = client

    @property
    def arguments(self) -> list[dict[str, str]]:
        """Of every run, the oldest first."""
        return [run.arguments for run in self._held()]

    def set_state(self, number: int, state: str) -> None:
        """What the run has come to."""
        self._held()[number]._status = state

    def _held(self) -> list[Any]:
        from moto.glue.models import glue_backends

        job = glue_backends["123456789012"]["eu-west-1"].jobs["opslake"]
        return sorted(job.job_runs, key=lambda run: run.started_on)


@pytest.fixture
def runs(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """The Glue job on the server, and the environment of the Lambda function."""
    import boto3
    import requests
    from moto.moto_api import state_manager

    from trigger_function import glue

    state_manager.set_transition("glue::job_run", {"progression": "manual", "times": 1_000_000})  # it stays as it is
    requests.post(f"{server}/moto-api/reset", timeout=10).raise_for_status()
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)
    for name, value in {
        "TRIGGER_GLUE_JOB": "opslake",
        "TRIGGER_BACKFILL_FILE": "s3://code/1/backfill.py",
        "AWS_ENDPOINT_URL": server,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "topsecret",
    }.items():
        monkeypatch.setenv(name, value)
    glue.glue_client.cache_clear()
    client = boto3.client("glue")
    client.create_job(
        Name="opslake",
        Role="job",
        Command={"Name": "glueetl", "ScriptLocation": "s3://code/1/daily.py"},
        ExecutionProperty={"MaxConcurrentRuns": 1},
    )
    yield Runs(client)
    state_manager.unset_transition("glue::job_run")
    glue.glue_client.cache_clear()


@pytest.mark.parametrize("event", [SCHEDULED, {}, None])
def test_a_schedule_starts_one_run(runs: Runs, store: Store, event: Any) -> None:
    """With the arguments of the command, and its name."""
    store.deliver("2026-03-04")

    answer = handler(event, None)

    assert (answer["status"], answer["job"]["name"], answer["job"]["state"]) == ("started", DAILY, "STARTING")
    assert answer["job"]["run_id"]
    assert runs.arguments == [{"--lake": store.lake, "--landing": store.landing, "--trigger-id": DAILY}]


def test_the_arguments_are_those_that_the_job_takes(runs: Runs, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Glue hands them on, each with a value, they come to what a person would write."""
    from spark_jobs.submitted import split_arguments

    monkeypatch.setenv("TRIGGER_ARGUMENTS", '{"--enable-metrics": "true"}')
    store.deliver("2026-03-04")
    handler({"start": "2026-03-03", "end": "2026-03-04", "force": True}, None)

    (arguments,) = runs.arguments
    assert arguments["--scriptLocation"] == "s3://code/1/backfill.py"
    root, own = split_arguments([word for pair in arguments.items() for word in pair])
    assert root == ["--lake", store.lake, "--landing", store.landing]
    assert own == ["--start", "2026-03-03", "--end", "2026-03-04", "--force"]


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "WAITING"])
def test_a_repeated_call_answers_with_the_run_that_exists(runs: Runs, store: Store, state: str) -> None:
    """As long as it isn't over."""
    store.deliver("2026-03-04")
    first = handler(SCHEDULED, None)
    runs.set_state(0, state)

    second = handler(SCHEDULED, None)

    assert second["status"] == "running"
    assert second["job"] == {"name": DAILY, "state": state, "run_id": first["job"]["run_id"]}
    assert len(runs.arguments) == 1


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "ERROR", "STOPPED"])
def test_a_dead_run_gets_the_next_attempt(runs: Runs, store: Store, state: str) -> None:
    """Under a name of its own."""
    store.deliver("2026-03-04")
    handler(SCHEDULED, None)
    runs.set_state(0, state)

    assert handler(SCHEDULED, None)["job"]["name"] == "opslake-daily-20260305-2"


@pytest.mark.usefixtures("store")
def test_the_second_of_two_starts_at_once_is_refused_by_the_job(runs: Runs) -> None:
    """Between look and start another function was faster: its run is the answer."""
    from trigger_function.asked import Asked
    from trigger_function.environment import OnGlue, own_settings
    from trigger_function.glue import Glue, glue_client
    from trigger_function.platform import Work

    late, own = Glue(own_settings(OnGlue), glue_client()), own_settings(OnGlue)
    assert late.alive() == []
    first = Glue(own, glue_client()).start(DAILY, Work(Asked(), {}))
    runs.set_state(0, "RUNNING")

    job = _start_while_full(late, DAILY)
    other = _start_while_full(late, "opslake-date-20260304-1")

    assert first is not None
    assert job is not None
    assert (job.name, job.run_id, job.state) == (DAILY, first.run_id, "RUNNING")
    assert other is None
    assert len(runs.arguments) == 1


def _start_while_full(platform: Any, name: str) -> Any:
    from trigger_function.asked import Asked
    from trigger_function.platform import Work

    return platform.start(name, Work(Asked(), {}))


@pytest.mark.usefixtures("runs")
def test_an_object_starts_what_is_due(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As EventBridge tells of it; other objects are nothing to do."""
    monkeypatch.setenv("OPSLAKE_LANDING", f"file://{store.landing}")
    store.deliver("2026-03-04")
    bucket, _, folder = store.landing.strip("/").partition("/")

    def event(path: str) -> dict[str, Any]:
        detail = {"bucket": {"name": f"/{bucket}"}, "object": {"key": f"{folder}/{path}", "size": 12}}
        return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}

    assert handler(event("tickets/notes.txt"), None)["status"] == "nothing_due"
    assert handler(event("tickets/2026/03/2026-03-04.csv"), None)["status"] == "started"


@pytest.mark.usefixtures("store")
def test_lake_and_landing_may_lie_on_s3(runs: Runs, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger, the lease and the files are read there; what came since is seen in the same process."""
    monkeypatch.setenv("OPSLAKE_LAKE", "s3://lake/root")
    monkeypatch.setenv("OPSLAKE_LANDING", "s3://landing/in")
    for bucket in ("lake", "landing"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    Ledger("s3://lake/root").put(DayState("tickets", date(2026, 3, 3), Status.SUCCEEDED, 1))
    key = "in/tickets/2026/03/2026-03-04.csv"
    event = {"detail-type": "Object Created", "detail": {"bucket": {"name": "landing"}, "object": {"key": key}}}
    assert handler(event, None)["due"]["days"] == 1  # missing: the object isn't there
    runs.set_state(0, "SUCCEEDED")
    Ledger("s3://lake/root").put(DayState("tickets", date(2026, 3, 4), Status.FAILED, error_class="missing_delivery"))
    assert handler(SCHEDULED, None)["status"] == "nothing_due"

    s3.put_object(Bucket="landing", Key=key, Body=b"ticket_id\nT1\n")

    assert handler(event, None)["job"]["name"] == "opslake-daily-20260305-2"
    assert runs.arguments[1]["--lake"] == "s3://lake/root"


def test_nothing_due_is_said(runs: Runs) -> None:
    """And no run is made."""
    assert handler(SCHEDULED, None)["status"] == "nothing_due"
    assert runs.arguments == []


@pytest.mark.parametrize(
    "event",
    [
        {"dat": "2026-03-04"},
        {"date": "yesterday"},
        [1],
        "text",
        {"detail-type": "Object Deleted"},
        {"detail-type": "Object Created", "detail": {}},
        {"detail-type": "Object Created", "detail": []},
    ],
)
@pytest.mark.usefixtures("runs")
def test_what_cant_be_meant_is_raised_with_its_reason(event: Any) -> None:
    """As a type that a state machine can tell from others, with the answer as JSON."""
    with pytest.raises(BadRequest) as raised:
        handler(event, None)

    answer = json.loads(str(raised.value))
    assert answer["status"] == "refused"
    assert {"what", "allowed"} <= set(answer["error"])


def test_a_held_lake_is_raised_so_that_it_is_tried_again(runs: Runs, store: Store) -> None:
    """A value that is returned would end the matter."""
    store.deliver("2026-03-04")
    with acquire(store.lake, run_id="by-hand", command="opslake run", lease_seconds=60), pytest.raises(LakeBusy):
        handler(SCHEDULED, None)
    assert runs.arguments == []


@pytest.mark.usefixtures("runs")
def test_glues_errors_are_raised(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that isn't there; a variable that is missing."""
    store.deliver("2026-03-04")
    monkeypatch.setenv("TRIGGER_GLUE_JOB", "other")
    with pytest.raises(PlatformFailed, match="Glue answered EntityNotFoundException"):
        handler(SCHEDULED, None)

    monkeypatch.delenv("TRIGGER_GLUE_JOB")
    with pytest.raises(TriggerFailed, match="TRIGGER_GLUE_JOB"):
        handler(SCHEDULED, None)


def test_no_secret_is_written(runs: Runs, store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither keys nor receivers, in arguments or in the log."""
    store.deliver("2026-03-04")
    answer = handler(SCHEDULED, None)

    out, err = capfd.readouterr()
    text = out + err + json.dumps(answer) + json.dumps(runs.arguments)
    assert "trigger.started" in err
    assert "topsecret" not in text
    assert SECRET not in text
    assert "hunter2" not in text
