"""Secrets by reference: from the environment, Google Secret Manager and AWS Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import grpc
import pytest
from google.cloud import secretmanager_v1 as google
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcTransport,
)
from moto.server import ThreadedMotoServer

from spark_jobs import credentials, tries
from spark_jobs.contract.references import is_reference
from spark_jobs.credentials import given, is_set, resolve
from spark_jobs.errors import SourceError, Unreachable
from tests.contract_texts import PARCELS, messages, parcels

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))


def test_an_environment_variable_is_read_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that isn't set, or is empty, is named; a value that is no reference is meant as it is."""
    monkeypatch.setenv("WEB_PASSWORD", "first")
    assert resolve("env:WEB_PASSWORD") == "first"
    monkeypatch.setenv("WEB_PASSWORD", "second")
    assert (given("env:WEB_PASSWORD"), given("postgresql://localhost/db")) == ("second", "postgresql://localhost/db")
    monkeypatch.setenv("WEB_PASSWORD", "")
    assert not is_set("env:WEB_PASSWORD")
    with pytest.raises(SourceError, match=r"^env:WEB_PASSWORD: the environment variable isn't set$"):
        resolve("env:WEB_PASSWORD")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("env:NAME_1", True),
        ("gcp-secret:projects/p/secrets/s", True),
        ("gcp-secret:projects/p/secrets/s/versions/3#password", True),
        ("aws-secret:prod/complaints#password", True),
        ("aws-secret:arn:aws:secretsmanager:eu-west-1:1:secret:x-AbC", True),
        ("env:", False),
        ("env:a b", False),
        ("gcp-secret:s", False),
        ("vault:x", False),
        ("hunter2", False),
        (7, False),
    ],
)
def test_only_the_known_ways_to_name_a_secret_are_references(value: object, wanted: bool) -> None:
    """Anything else might be the secret itself."""
    assert is_reference(value) is wanted


def test_a_contract_says_where_its_server_is() -> None:
    """Without an address or a spreadsheet there is nothing to ask; a tab needs no day in its path."""
    for kind, needed in (("postgres", ["url"]), ("sheet", ["spreadsheet", "credentials"])):
        found = messages(parcels(("slaProperties:", f"  - {{property: format, value: {kind}}}\nslaProperties:")))
        assert [option for option in ("url", "spreadsheet", "credentials") if f"options.{option}: " in found] == needed


def test_a_contract_that_holds_a_password_is_refused_without_showing_it() -> None:
    """Neither as a credential nor in an address."""
    for options in (
        "{url: env:U, password: hunter2}",
        "{url: 'postgresql://me:hunter2@db/complaints'}",
        "{url: 'postgresql://db/complaints?user=me&password=hunter2'}",
    ):
        stated = f"  - {{property: format, value: postgres}}\n  - {{property: options, value: {options}}}\n"
        found = messages(parcels(("slaProperties:", f"{stated}slaProperties:")))
        assert "by reference only" in found
        assert "hunter2" not in found
    assert "parcels" in PARCELS


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of a server that speaks AWS's Secrets Manager."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def secrets_of_aws(aws: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of it; the process has the same identity."""
    values = {
        "ACCESS_KEY_ID": "testing",
        "SECRET_ACCESS_KEY": "testing",
        "DEFAULT_REGION": "eu-west-1",
        "ENDPOINT_URL": aws,
    }
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return boto3.client("secretsmanager")


def test_a_secret_of_aws_is_a_text_or_one_key_of_an_object(secrets_of_aws: Any) -> None:
    """A key that isn't there is an error that doesn't show the others."""
    secrets_of_aws.create_secret(Name="plain", SecretString="s3cret")
    secrets_of_aws.create_secret(Name="prod/db", SecretString=json.dumps({"password": "s3cret", "port": 5432}))
    assert resolve("aws-secret:plain") == "s3cret"
    assert (resolve("aws-secret:prod/db#password"), resolve("aws-secret:prod/db#port")) == ("s3cret", "5432")
    for reference in ("aws-secret:prod/db#user", "aws-secret:plain#password"):
        with pytest.raises(SourceError, match="no JSON object with a text of this key") as caught:
            resolve(reference)
        assert "s3cret" not in repr(caught.value) + repr(caught.value.__cause__)


def test_a_secret_that_aws_does_not_have_is_named(secrets_of_aws: Any) -> None:
    """With the store's own word for it; it isn't asked again."""
    assert secrets_of_aws.list_secrets()["SecretList"] is not None
    with pytest.raises(SourceError, match=r"^aws-secret:nobody: .*ResourceNotFoundException") as caught:
        resolve("aws-secret:nobody")
    assert not isinstance(caught.value, Unreachable)


def test_a_store_that_does_not_answer_is_asked_three_times(
    secrets_of_aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then that is the error."""
    del secrets_of_aws
    asked: list[str] = []
    ask = credentials._of_aws
    monkeypatch.setattr(credentials, "_of_aws", lambda name, reference: asked.append(name) or ask(name, reference))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="doesn't answer"):
        resolve("aws-secret:plain")
    assert asked == ["plain"] * 3


@pytest.fixture
def google_secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes | grpc.StatusCode]]:
    """Secrets of Google by the name of their version, served in this process with the library's own types."""
    held: dict[str, bytes | grpc.StatusCode] = {}

    def access(request: Any, context: grpc.ServicerContext) -> Any:
        found = held.get(request.name, grpc.StatusCode.NOT_FOUND)
        if isinstance(found, grpc.StatusCode):
            context.abort(found, "no")
        return google.AccessSecretVersionResponse(name=request.name, payload=google.SecretPayload(data=found))

    handler = grpc.unary_unary_rpc_method_handler(
        access,
        request_deserializer=google.AccessSecretVersionRequest.deserialize,
        response_serializer=google.AccessSecretVersionResponse.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"AccessSecretVersion": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    transport = SecretManagerServiceGrpcTransport(channel=channel)
    client = google.SecretManagerServiceClient(transport=transport)
    monkeypatch.setattr(credentials, "google_client", lambda: client)
    yield held
    channel.close()
    server.stop(None)


def test_a_secret_of_google_is_its_latest_version_unless_one_is_named(
    google_secrets: dict[str, bytes | grpc.StatusCode],
) -> None:
    """A key of a secret that is an object is taken out of it, as with AWS."""
    google_secrets["projects/p/secrets/s/versions/latest"] = b'{"password": "new"}'
    google_secrets["projects/p/secrets/s/versions/2"] = b"old"
    assert resolve("gcp-secret:projects/p/secrets/s#password") == "new"
    assert resolve("gcp-secret:projects/p/secrets/s/versions/2") == "old"


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (grpc.StatusCode.NOT_FOUND, SourceError, r"gives no secret \(NotFound\)"),
        (grpc.StatusCode.PERMISSION_DENIED, SourceError, r"gives no secret \(PermissionDenied\)"),
        (grpc.StatusCode.UNAVAILABLE, Unreachable, r"doesn't answer \(ServiceUnavailable\)"),
    ],
)
def test_what_google_refuses_is_named_by_the_reference(
    google_secrets: dict[str, bytes | grpc.StatusCode], status: grpc.StatusCode, error: type[SourceError], told: str
) -> None:
    """Only a store that is out of order is worth another try."""
    google_secrets["projects/p/secrets/s/versions/latest"] = status
    with pytest.raises(SourceError, match=rf"^gcp-secret:projects/p/secrets/s: Secret Manager {told}$") as caught:
        resolve("gcp-secret:projects/p/secrets/s")
    assert type(caught.value) is error
