"""The caller's token must be meant for this function."""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.trigger_function.conftest import URL, Call, bearer, token


def test_a_token_for_this_function_is_taken(call: Call) -> None:
    """As the platform hands it on, without its signature."""
    assert call().status_code == 200


@pytest.mark.parametrize(
    ("authorization", "what"),
    [
        (None, "no ID token came with the request"),
        ("Basic b3BzOnNlY3JldA==", "no ID token came with the request"),
        ("Bearer not-a-token", "not an ID token"),
        ("Bearer a.b.c", "not an ID token"),
    ],
)
def test_what_is_no_token_is_refused(call: Call, authorization: str | None, what: str) -> None:
    """With 401 and the reason; the header isn't repeated."""
    answer = call(headers={"Authorization": authorization} if authorization else {})

    assert (answer.status_code, answer.json["error"]["what"]) == (401, what)
    assert not authorization or authorization.rpartition(" ")[2] not in answer.text


@pytest.mark.parametrize(
    ("claims", "status", "what"),
    [
        ({"exp": 1_700_000_000}, 401, "the token isn't in force any more"),
        ({"exp": "never"}, 401, "the token isn't in force any more"),
        ({"iss": "https://accounts.example.com"}, 401, "the token is of another issuer"),
        ({"aud": "https://other.a.run.app"}, 403, "the token is meant for another audience"),
        ({"aud": [URL]}, 403, "the token is meant for another audience"),
    ],
)
def test_another_token_is_refused(call: Call, claims: dict[str, Any], status: int, what: str) -> None:
    """401 for no valid identity, 403 for one that isn't meant for us; the token isn't repeated."""
    headers = bearer(**claims)
    answer = call(headers=headers)

    assert (answer.status_code, answer.json["error"]["what"]) == (status, what)
    assert headers["Authorization"].rpartition(" ")[2] not in answer.text


def test_refusal_comes_before_the_request_is_read(call: Call) -> None:
    """A stranger learns nothing of what may be asked."""
    assert call("no json", headers={}).status_code == 401


def test_the_audience_may_be_one_of_several(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function has an old and a new address."""
    monkeypatch.setenv("TRIGGER_AUDIENCE", f"https://old.example, {URL}")

    assert call(headers=bearer(aud="https://old.example")).status_code == 200


def test_callers_may_be_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody else may start a job, whatever IAM lets through."""
    monkeypatch.setenv("TRIGGER_CALLERS", "scheduler@acme.iam.gserviceaccount.com")

    assert call().status_code == 200
    assert call(headers=bearer(email="someone@acme.example")).status_code == 403
    assert call(headers=bearer(email_verified=False)).status_code == 403


def test_of_two_headers_the_one_that_the_platform_checked_counts(call: Call) -> None:
    """Cloud Run checks X-Serverless-Authorization where both are there."""
    headers = {"X-Serverless-Authorization": f"Bearer {token(aud='https://other')}", **bearer()}

    assert call(headers=headers).status_code == 403


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A signer whose certificate a server on this machine gives out where Google's would be asked for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from google.auth.crypt import RSASigner

    from trigger_function import identity

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "test")])
    today = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(today).not_valid_after(today + datetime.timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    class Certificates(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"1": certificate}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Certificates)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(identity, "CERTS_URL", f"http://127.0.0.1:{server.server_port}/certs")
    monkeypatch.setenv("TRIGGER_TOKENS", "certs")
    yield RSASigner(key, key_id="1")
    server.shutdown()
    server.server_close()


def signed(signer: Any, **claims: Any) -> dict[str, str]:
    """The header with a token that is signed."""
    from google.auth.jwt import encode

    now = int(time.time())
    right = {"iss": "https://accounts.google.com", "aud": URL, "iat": now, "exp": now + 600, "email": "a@b.example"}
    return {"Authorization": f"Bearer {encode(signer, {**right, **claims}).decode()}"}


def test_the_function_can_check_signatures_itself(call: Call, keys: Any) -> None:
    """Where no IAM stands in front of it."""
    assert call(headers=signed(keys)).status_code == 200
    assert call(headers=signed(keys, aud="https://other")).status_code == 403


def test_a_forged_token_is_then_refused(call: Call, keys: Any) -> None:
    """Without a signature, with that of another token, and one that is over."""
    head, _, signature = signed(keys)["Authorization"].rpartition(".")
    other = signed(keys, email="other@b.example")["Authorization"].rpartition(".")[2]

    assert call(headers=bearer()).status_code == 401
    assert call(headers={"Authorization": f"{head}.{other}"}).status_code == 401
    assert call(headers=signed(keys, exp=int(time.time()) - 600, iat=int(time.time()) - 900)).status_code == 401
    assert call(headers={"Authorization": f"{head}.{signature}"}).status_code == 200


def test_keys_that_cant_be_had_are_no_refusal(call: Call, keys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler shall try again."""
    from trigger_function import identity

    monkeypatch.setattr(identity, "CERTS_URL", "http://127.0.0.1:9/certs")

    assert call(headers=signed(keys)).status_code == 503
