"""The function on AWS: a schedule, an S3 event through EventBridge, Step Functions or a direct call; starts Glue.

Who may call is IAM's to say. What isn't answered well is raised, since only then EventBridge and Step Functions try
again: the error's type says what happened, its message is the answer as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trigger_function.asked import Asked, RequestRefused, from_values
from trigger_function.calling import Object, Reply, call, landed
from trigger_function.environment import OnGlue, lake_settings, own_settings
from trigger_function.failing import reply
from trigger_function.logs import configure

if TYPE_CHECKING:
    from trigger_function.platform import Platform

KINDS = ("Scheduled Event", "Object Created")


class TriggerFailed(Exception):
    """Settings, a contract, or an error that isn't known."""


class BadRequest(TriggerFailed):
    """A call that can't be meant: trying again is of no use."""


class LakeBusy(TriggerFailed):
    """Something is due, and another job has the lake: to be tried again."""


class PlatformFailed(TriggerFailed):
    """Glue or the store refused or didn't answer."""


RAISED = {400: BadRequest, 409: LakeBusy, 502: PlatformFailed, 503: PlatformFailed}


def handler(event: object, context: object) -> dict[str, Any]:  # noqa: ARG001  (Lambda passes both)
    """The answer to one event."""
    configure()
    status, body = reply(lambda: _reply(event))
    if status >= 300:
        raise RAISED.get(status, TriggerFailed)(json.dumps(body)) from None
    return body


def _reply(event: object) -> Reply:
    own, settings = own_settings(OnGlue), lake_settings()
    kind = event.get("detail-type") if isinstance(event, Mapping) else None
    if kind == "Object Created":
        return landed(_object(event), settings, own.name, lambda: _platform(own))
    if kind not in (None, *KINDS):
        raise RequestRefused("an event of another kind", where="detail-type", value=kind, allowed=KINDS)
    asked = Asked() if kind else from_values(event or {}, settings.business_today)
    return call(asked, settings, own.name, lambda: _platform(own))


def _object(event: Any) -> Object:
    try:
        bucket, name = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    except (KeyError, TypeError):
        bucket = name = None
    if not isinstance(bucket, str) or not isinstance(name, str):
        raise RequestRefused("the event names no object", where="detail", allowed="bucket.name and object.key")
    return Object(bucket, name)


def _platform(own: OnGlue) -> Platform:
    from trigger_function import glue  # boto3 takes longer to import than all else, and often nothing is due

    return glue.Glue(own, glue.glue_client())
