"""What goes wrong is JSON with the right status, and nothing secret is ever written or answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.trigger_function.conftest import ENVIRONMENT, SECRET, Call, Store, bearer, token
from trigger_function.answers import without_secrets

if TYPE_CHECKING:
    from tests.trigger_function.batches import Batches


@pytest.fixture
def grpc_codes() -> Any:
    """gRPC's status codes."""
    import grpc

    return grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("UNAVAILABLE", 503),
        ("RESOURCE_EXHAUSTED", 503),
        ("INTERNAL", 503),
        ("PERMISSION_DENIED", 502),
        ("INVALID_ARGUMENT", 502),
        ("UNAUTHENTICATED", 502),
    ],
)
def test_the_platforms_errors_say_whether_trying_again_helps(
    call: Call, store: Store, batches: Batches, grpc_codes: Any, code: str, status: int
) -> None:
    """503 with a time to wait, or 502 where somebody has to mend something."""
    store.deliver("2026-03-04")
    batches.fails = (grpc_codes[code], "because of the weather")

    answer = call()

    assert answer.status_code == status
    assert answer.json["error"]["what"].startswith("Dataproc answered ")
    assert "because of the weather" in answer.json["error"]["value"]
    assert answer.headers.get("Retry-After") == ("60" if status == 503 else None)
    assert batches.ids == []


def test_a_lake_that_cant_be_read_is_a_503(call: Call, store: Store, batches: Batches) -> None:
    """Nothing starts on a guess."""
    log = store.folder / "lake" / "state" / "ingestion_state" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text("no json\n")

    answer = call()

    assert (answer.status_code, answer.json["status"]) == (503, "failed")
    assert batches.calls == []


def test_a_lake_that_fails_amid_the_reading_is_a_503(call: Call, store: Store, batches: Batches) -> None:
    """The log is there and a file isn't."""
    store.deliver("2026-03-04")
    store.load("2026-03-04")
    for file in (store.folder / "lake" / "state" / "ingestion_state").glob("*.parquet"):
        file.unlink()

    answer = call()

    assert (answer.status_code, answer.json["error"]["what"]) == (503, "a state table can't be read")
    assert batches.calls == []


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("OPSLAKE_LAKE", None, "a variable isn't set"),
        ("OPSLAKE_LANDING", None, "a variable isn't set"),
        ("OPSLAKE_LAKES", "x", "unknown setting"),
        ("TRIGGER_REGION", None, "a variable isn't set"),
        ("TRIGGER_REGIO", "x", "unknown variable"),
        ("TRIGGER_NAME", "My Lake", "TRIGGER_NAME: "),
        ("TRIGGER_NAME", "a" * 25, "TRIGGER_NAME: "),
        ("TRIGGER_LABELS", "team=support", "TRIGGER_LABELS: "),
        ("TRIGGER_LABELS", '{"team": 1}', "TRIGGER_LABELS: "),
        ("TRIGGER_TTL_SECONDS", "1h", "TRIGGER_TTL_SECONDS: "),
        ("TRIGGER_AUDIENCE", " ", "TRIGGER_AUDIENCE: "),
        ("TRIGGER_TOKENS", "none", "TRIGGER_TOKENS: "),
    ],
)
def test_a_wrong_environment_is_a_500_that_names_the_variable(
    call: Call, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, what: str
) -> None:
    """Whoever deployed it can see what to mend."""
    monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)

    answer = call()

    assert answer.status_code == 500
    assert answer.json["error"]["what"].startswith(what)
    assert name in answer.text


@pytest.mark.usefixtures("store")
def test_an_error_that_isnt_known_tells_only_its_kind(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the caller; the log has the place and a line without what looks like a secret."""
    from trigger_function import calling

    def broken(*_: Any) -> Any:
        raise RuntimeError(f"no connection with password=hunter2 and {token()}")

    monkeypatch.setattr(calling, "look", broken)

    answer = call()

    assert (answer.status_code, answer.json["error"]) == (500, {"what": "RuntimeError; see the function's log"})
    event = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert event["event"] == "trigger.failed"
    assert event["severity"] == "ERROR"
    assert event["at"].startswith("test_failures.py:")
    assert event["said"] == "no connection with [secret] and [secret]"


@pytest.fixture
def everything_said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Everything that was answered and written, in the end."""
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    yield said
    out, err = capfd.readouterr()
    text = "\n".join([*said, out, err, caplog.text])
    assert "trigger." in text  # something was written at all
    for secret in (SECRET, "hunter2", token(), bearer()["Authorization"], "topsecret"):
        assert secret not in text


def test_no_secret_is_answered_or_logged(
    call: Call, store: Store, batches: Batches, grpc_codes: Any, everything_said: list[str]
) -> None:
    """Neither the caller's token nor the receivers of messages nor what a platform's error repeats."""
    store.deliver("2026-03-04")
    for answer in (
        call(),
        call(),
        call("{"),
        call(headers=bearer(aud="https://other")),
        call(query_string={"date": "2026-03-04"}),
    ):
        everything_said.append(answer.text)
    batches.fails = (grpc_codes.PERMISSION_DENIED, f"Bearer {token()} refused: password=hunter2")
    failed = call()
    everything_said.append(failed.text)
    assert "[secret]" in failed.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer abc.def-ghi", "Bearer [secret]"),
        (token(), "[secret]"),
        ("https://s3/x?X-Amz-Signature=0a1b&X-Amz-Date=1", "https://s3/x?X-Amz-[secret]&X-Amz-Date=1"),
        ("AKIAABCDEFGHIJKLMNOP denied", "[secret] denied"),
        ("mailto://ops:pass@host", "mailto://[secret]@host"),
        ('{"private_key": "-----BEGIN"}', '{"[secret]"}'),
        ("TRIGGER_TOKENS: should be", "TRIGGER_TOKENS: should be"),
        ("opslake-daily-20260305-1 of projects/acme", "opslake-daily-20260305-1 of projects/acme"),
        ("x" * 400, "x" * 300),
    ],
)
def test_what_looks_like_a_credential_is_taken_out(text: str, shown: str) -> None:
    """And the rest stays readable."""
    assert without_secrets(text) == shown


@pytest.mark.usefixtures("batches")
def test_every_call_is_one_event(call: Call, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON on one line, with what was decided and how long it took."""
    store.deliver("2026-03-04")
    call()

    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["event"] == "trigger.started"
    assert (event["severity"], event["status"], event["cause"]) == ("INFO", 202, "daily")
    assert event["job"] == "opslake-daily-20260305-1"
    assert event["seconds"] < 30


def test_the_page_lists_the_environment() -> None:
    """Every variable that is read stands in docs/trigger.md, and no other."""
    import re
    from pathlib import Path

    from trigger_function.environment import OnDataproc, OnGlue

    page = (Path(__file__).parents[2] / "docs" / "trigger.md").read_text()
    read = {f"TRIGGER_{name.upper()}" for kind in (OnDataproc, OnGlue) for name in kind.model_fields}

    assert set(re.findall(r"`(TRIGGER_[A-Z_]+)`", page)) == read
    assert read > set(ENVIRONMENT)
