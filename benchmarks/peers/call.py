"""`python -m benchmarks.peers.call call|platform`: a call of the trigger function, or only what it asks its platform.

The platform is a server of Dataproc's protocol in this process. The last line says how many seconds the call took.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from google.cloud import dataproc_v1

from tests.trigger_function.batches import batch_server
from trigger_function import dataproc
from trigger_function.asked import Asked
from trigger_function.environment import OnDataproc, own_settings
from trigger_function.platform import Work

SOURCE = Path(__file__).parents[2] / "trigger_function" / "main.py"
URL = "https://trigger.example"
ENVIRONMENT = {
    "TRIGGER_PROJECT": "bench",
    "TRIGGER_REGION": "europe-west1",
    "TRIGGER_AUDIENCE": URL,
    "TRIGGER_DAILY_FILE": "gs://code/daily.py",
    "TRIGGER_BACKFILL_FILE": "gs://code/backfill.py",
}


def main(what: str) -> None:
    """Measure the one or the other; everything is imported and connected before."""
    os.environ.update(ENVIRONMENT)
    with batch_server() as (_, client):
        dataproc.client_of = lambda _region: client
        client.list_batches(dataproc_v1.ListBatchesRequest(parent="x", filter='state = RUNNING AND labels.a = "b"'))
        measured = _call() if what == "call" else _platform(client)
        began = time.perf_counter()
        measured()
        print(json.dumps({"seconds": round(time.perf_counter() - began, 4)}))


def _call() -> Callable[[], None]:
    """The whole of a process's first call, from request to answer."""
    import functions_framework

    post = functions_framework.create_app("trigger", str(SOURCE), "http").test_client().post
    claims = {"iss": "https://accounts.google.com", "aud": URL, "exp": time.time() + 600}
    token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({}, claims, {}))

    def call() -> None:
        answer = post("/", headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 202:
            raise SystemExit(f"{answer.status_code} {answer.text}")

    return call


def _platform(client: dataproc_v1.BatchControllerClient) -> Callable[[], None]:
    platform = dataproc.Dataproc(own_settings(OnDataproc), "lake", {}, client)

    def ask() -> None:
        platform.alive()
        platform.find("opslake-daily-20260305-1")
        platform.start("opslake-daily-20260305-1", Work(Asked(), {}))

    return ask


if __name__ == "__main__":
    main(sys.argv[1])
