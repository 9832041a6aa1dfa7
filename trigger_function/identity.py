"""Who calls: the ID token that comes with a request must be meant for this function.

On Cloud Run the platform has checked the token against IAM and takes its signature off before it hands it on, so that
only what the token says can be checked here. Where nothing stands in front, `certs` has the function check it all.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from spark_jobs.errors import EngineError, OpslakeError
from trigger_function.environment import OnDataproc

HEADERS = ("X-Serverless-Authorization", "Authorization")  # of two the platform reads the first
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
MOST_SKEW = 60  # seconds by which clocks may differ


class NotAllowed(OpslakeError):
    """A caller without a valid identity (401), or one that this function isn't for (403)."""

    def __init__(self, what: str, *, status: int, value: object = None, allowed: str | None = None) -> None:
        super().__init__(what, where="Authorization", value=value, allowed=allowed)
        self.status = status


def check_caller(headers: Mapping[str, str], own: OnDataproc, now: float) -> None:
    """Returns where the caller's token is in force, Google's own and meant for us; NotAllowed otherwise.

    `now` is in seconds since 1970.
    """
    token = _token(headers)
    claims = _verified(token) if own.tokens == "certs" else _claims(token)
    if claims.get("iss") not in ISSUERS:
        raise NotAllowed("the token is of another issuer", status=401, value=claims.get("iss"), allowed=ISSUERS[0])
    ends = claims.get("exp")
    if not isinstance(ends, int | float) or ends + MOST_SKEW < now:
        raise NotAllowed("the token isn't in force any more", status=401)
    if claims.get("aud") not in own.audience:
        raise NotAllowed("the token is meant for another audience", status=403, value=claims.get("aud"))
    known = claims.get("email") in own.callers and claims.get("email_verified") is True
    if own.callers and not known:
        raise NotAllowed("this caller may not start a job", status=403, value=claims.get("email"))


def _token(headers: Mapping[str, str]) -> str:
    header = next((headers[name] for name in HEADERS if headers.get(name)), "")
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise NotAllowed("no ID token came with the request", status=401, allowed="Authorization: Bearer …")
    return token.strip()


def _claims(token: str) -> dict[str, Any]:
    """What the token says, its signature unchecked."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error):
        claims = None
    if len(parts) != 3 or not isinstance(claims, dict):
        raise NotAllowed("not an ID token", status=401)
    return claims


def _verified(token: str) -> dict[str, Any]:
    """What the token says, where its signature is Google's."""
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.auth.transport.requests import Request
    from google.oauth2.id_token import verify_token

    _claims(token)
    try:
        return dict(verify_token(token, Request(), certs_url=CERTS_URL, clock_skew_in_seconds=MOST_SKEW))
    except TransportError as error:
        raise EngineError("the keys of ID tokens can't be had", where=CERTS_URL) from error
    except (GoogleAuthError, ValueError) as error:  # their texts hold the token
        raise NotAllowed("the token's signature or time isn't valid", status=401) from error
