"""AWS Glue as a platform: a job is a run of one Glue job, and its name an argument of the run.

Glue has no token that makes a repeated start the same start. So runs carry their name as an argument, the latest are
read before one is started, and the Glue job's concurrency of 1 refuses the second of two that start at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import boto3  # type: ignore[import-untyped, unused-ignore]
from botocore import exceptions as failures  # type: ignore[import-untyped, unused-ignore]
from botocore.config import Config  # type: ignore[import-untyped, unused-ignore]

from spark_jobs.errors import first_line
from trigger_function.answers import without_secrets
from trigger_function.environment import OnGlue
from trigger_function.platform import Condition, Job, PlatformError, Work

NAME = "--trigger-id"  # spark_jobs.submitted sets it aside
MOST_RUNS = 1_000  # read of the job's history, the latest first
CONDITIONS: Mapping[str, Condition] = {
    "SUCCEEDED": "succeeded",
    "FAILED": "dead",
    "TIMEOUT": "dead",
    "ERROR": "dead",
    "STOPPED": "dead",
    "EXPIRED": "dead",
}
LATER = (
    "ThrottlingException",
    "InternalServiceException",
    "OperationTimeoutException",
    "ResourceNumberLimitExceededException",
)


@cache
def glue_client() -> Any:
    """A client with the function's own credentials, made once per process."""
    return boto3.client("glue", config=Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3}))


class Glue:
    """The runs of one Glue job, as they were when they were first asked for or last started."""

    def __init__(self, own: OnGlue, client: Any) -> None:
        self._own, self._client = own, client
        self._runs: list[Job] | None = None

    def find(self, name: str) -> Job | None:
        """The latest run that carries this name."""
        return next((run for run in self._known() if run.name == name), None)

    def alive(self) -> Sequence[Job]:
        """Every run of the job that isn't over, whoever started it."""
        return [run for run in self._known() if run.condition == "alive"]

    def start(self, name: str, work: Work) -> Job | None:
        """Start a run; where the job's concurrency is used up, the run of this name if it is that."""
        flags = {option: value or "true" for option, value in work.arguments.items()}
        script = {"--scriptLocation": self._own.backfill_file} if work.asked.kind == "backfill" else {}
        arguments = {**self._own.arguments, **script, **flags, NAME: name}
        try:
            answer = self._client.start_job_run(JobName=self._own.glue_job, Arguments=arguments)
        except (failures.ClientError, failures.BotoCoreError) as error:
            if _code(error) != "ConcurrentRunsExceededException":
                raise self._refused(error) from error
            self._runs = None
            return self.find(name)
        return Job(name, "STARTING", "alive", answer["JobRunId"])

    def _known(self) -> list[Job]:
        if self._runs is None:
            try:
                self._runs = self._read()
            except (failures.ClientError, failures.BotoCoreError) as error:
                raise self._refused(error) from error
        return self._runs

    def _read(self) -> list[Job]:
        pages = self._client.get_paginator("get_job_runs").paginate(
            JobName=self._own.glue_job, PaginationConfig={"PageSize": 200, "MaxItems": MOST_RUNS}
        )
        return [_job(run) for page in pages for run in page["JobRuns"]]

    def _refused(self, error: Exception) -> PlatformError:
        code = _code(error)
        again = code in LATER or isinstance(error, failures.ConnectionError | failures.HTTPClientError)
        return PlatformError(
            f"Glue answered {code or type(error).__name__}",
            where=self._own.glue_job,
            value=without_secrets(first_line(error)),
            again=again,
        )


def _job(run: Mapping[str, Any]) -> Job:
    state = str(run["JobRunState"])
    return Job(run.get("Arguments", {}).get(NAME, ""), state, CONDITIONS.get(state, "alive"), run["Id"])


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, failures.ClientError) else ""
