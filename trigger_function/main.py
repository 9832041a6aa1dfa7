"""The function on Google Cloud: `trigger` for Cloud Scheduler, `landed` for objects that land in the landing bucket.

Both are plain HTTP functions to the framework. A CloudEvent is read here, for the framework would answer every one
with OK, and one that it can't read with all of its headers, the caller's token among them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flask
import functions_framework
from cloudevents.exceptions import GenericException
from cloudevents.http import from_http

from spark_jobs.settings import Settings
from trigger_function.answers import RETRY_SECONDS
from trigger_function.asked import RequestRefused, from_text
from trigger_function.calling import Object, Reply, call
from trigger_function.calling import landed as object_landed
from trigger_function.environment import OnDataproc, lake_settings, own_settings
from trigger_function.failing import reply
from trigger_function.identity import check_caller
from trigger_function.logs import configure

if TYPE_CHECKING:
    from trigger_function.platform import Platform

FINALIZED = "google.cloud.storage.object.v1.finalized"
ARGUMENTS = ("lake", "landing", "contracts")  # settings that a job gets as arguments

Work = Callable[[flask.Request, OnDataproc, Settings], Reply]


@functions_framework.http
def trigger(request: flask.Request) -> flask.Response:
    """Start what a JSON object asks for, or all that is due."""
    return _respond(request, _of_request)


@functions_framework.http
def landed(request: flask.Request) -> flask.Response:
    """Start all that is due where the day of the CloudEvent's object is."""
    return _respond(request, _of_event)


def _of_request(request: flask.Request, own: OnDataproc, settings: Settings) -> Reply:
    if request.query_string:
        what = "parameters stand in the body"
        raise RequestRefused(what, where="query", value=sorted(request.args), allowed="a JSON object in the body")
    asked = from_text(request.get_data(as_text=True), settings.business_today)
    return call(asked, settings, own.name, lambda: _platform(own, settings))


def _of_event(request: flask.Request, own: OnDataproc, settings: Settings) -> Reply:
    try:
        event = from_http(dict(request.headers), request.get_data())
        kind, data = event["type"], event.get_data()
    except (GenericException, ValueError) as error:
        raise RequestRefused("not a CloudEvent", allowed=f"a CloudEvent of type {FINALIZED}") from error
    if kind != FINALIZED:
        return 200, {"status": "nothing_due", "message": f"nothing to do: the event isn't {FINALIZED}"}
    return object_landed(_object(data), settings, own.name, lambda: _platform(own, settings))


def _object(data: Any) -> Object:
    found = data if isinstance(data, dict) else {}
    bucket, name = found.get("bucket"), found.get("name")
    if not isinstance(bucket, str) or not isinstance(name, str):
        raise RequestRefused("the event names no object", where="data", allowed="bucket and name, both texts")
    return Object(bucket, name)


def _platform(own: OnDataproc, settings: Settings) -> Platform:
    from trigger_function import dataproc  # its client takes longer to import than all else, and often nothing is due

    return dataproc.Dataproc(own, settings.lake, _handed_on(), dataproc.client_of(own.region))


def _handed_on() -> dict[str, str]:
    """The lake's other settings, for the batch; none that is secret, for everybody who sees a batch sees them."""
    names = [n for n, field in Settings.model_fields.items() if "Secret" not in str(field.annotation)]
    variables = [f"OPSLAKE_{name.upper()}" for name in names if name not in ARGUMENTS]
    return {variable: os.environ[variable] for variable in variables if variable in os.environ}


def _respond(request: flask.Request, work: Work) -> flask.Response:
    configure()

    def done() -> Reply:
        own = own_settings(OnDataproc)
        check_caller(dict(request.headers), own, time.time())
        if request.method != "POST":
            raise RequestRefused("a call that starts a job is a POST", value=request.method, allowed="POST")
        return work(request, own, lake_settings())

    status, body = reply(done)
    answered = flask.Response(json.dumps(body) + "\n", status, mimetype="application/json")
    if status in (409, 503):
        answered.headers["Retry-After"] = str(RETRY_SECONDS)
    return answered
