"""Secrets by reference: resolved when they are used, held by nothing, and in no message.

`env:NAME` is an environment variable, `gcp-secret:projects/P/secrets/S[/versions/V]` one of Google Secret Manager,
`aws-secret:NAME` one of AWS Secrets Manager; after `#` stands a key of a secret that is a JSON object.
"""

from __future__ import annotations

import json
import os
from typing import Any

from spark_jobs.contract.references import is_reference
from spark_jobs.errors import SourceError, Unreachable
from spark_jobs.tries import three_tries

SECONDS = 20
"""What a secret store may take to answer."""


def is_set(reference: str) -> bool:
    """False where the reference names an environment variable that isn't set or is empty."""
    return not reference.startswith("env:") or bool(os.environ.get(reference.removeprefix("env:")))


def given(value: str) -> str:
    """What a reference stands for; any other value is meant as it is."""
    return resolve(value) if is_reference(value) else value


def resolve(reference: str) -> str:
    """The secret that the reference names; SourceError with the reference alone where it can't be had."""
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        if not is_set(reference):
            raise SourceError("the environment variable isn't set", where=reference)
        return os.environ[name]
    name, _, key = name.partition("#")
    ask = _of_google if scheme == "gcp-secret" else _of_aws
    secret = three_tries(lambda: ask(name, reference))
    return _part(secret, key, reference) if key else secret


def _part(secret: str, key: str, reference: str) -> str:
    try:
        found = json.loads(secret)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get(key), str | int):
        raise SourceError("the secret is no JSON object with a text of this key", where=reference) from None
    return str(found[key])


def google_client() -> Any:
    """A client of Google Secret Manager, with the identity that the process runs under."""
    from google.cloud.secretmanager import SecretManagerServiceClient

    return SecretManagerServiceClient()


def _of_google(name: str, reference: str) -> str:
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    version = name if "/versions/" in name else f"{name}/versions/latest"
    unreachable = (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded, exceptions.RetryError)
    try:
        answer = google_client().access_secret_version(name=version, timeout=SECONDS, retry=None)
        return str(answer.payload.data.decode())
    except unreachable as error:
        raise Unreachable(f"Secret Manager doesn't answer ({type(error).__name__})", where=reference) from None
    except (exceptions.GoogleAPICallError, GoogleAuthError, UnicodeDecodeError) as error:
        raise SourceError(f"Secret Manager gives no secret ({type(error).__name__})", where=reference) from None


def _of_aws(name: str, reference: str) -> str:
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
    )

    config = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 1})
    try:
        answer = boto3.client("secretsmanager", config=config).get_secret_value(SecretId=name)
        return str(answer["SecretString"])
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise Unreachable(f"Secrets Manager doesn't answer ({type(error).__name__})", where=reference) from None
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        kind = Unreachable if code in ("InternalServiceError", "ThrottlingException") else SourceError
        raise kind(f"Secrets Manager gives no secret ({code})", where=reference) from None
    except (BotoCoreError, KeyError) as error:
        raise SourceError(f"Secrets Manager gives no secret ({type(error).__name__})", where=reference) from None
