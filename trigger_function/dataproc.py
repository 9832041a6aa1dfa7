"""Dataproc Serverless as a platform: a job is a batch, and its name the batch's id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from google.api_core.exceptions import (
    AlreadyExists,
    DeadlineExceeded,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    ResourceExhausted,
    RetryError,
    ServiceUnavailable,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud import dataproc_v1

from spark_jobs.errors import first_line
from trigger_function.answers import without_secrets
from trigger_function.environment import OnDataproc
from trigger_function.naming import request_id
from trigger_function.platform import Condition, Job, PlatformError, Work

if TYPE_CHECKING:
    from google.cloud.dataproc_v1 import Batch, BatchControllerClient

SECONDS = 20.0  # for one call; a function has to answer its scheduler
LABEL = "trigger"
LATER = (DeadlineExceeded, InternalServerError, ResourceExhausted, RetryError, ServiceUnavailable)
CONDITIONS: Mapping[str, Condition] = {"SUCCEEDED": "succeeded", "FAILED": "dead", "CANCELLED": "dead"}

Found = TypeVar("Found")


@cache
def client_of(region: str) -> BatchControllerClient:
    """A client with the function's own credentials, made once per process."""
    options = {"api_endpoint": f"{region}-dataproc.googleapis.com:443"}
    return dataproc_v1.BatchControllerClient(client_options=options)


class Dataproc:
    """The batches of one project and region; `environment` are variables that a batch's driver gets."""

    def __init__(
        self, own: OnDataproc, lake: str, environment: Mapping[str, str], client: BatchControllerClient
    ) -> None:
        self._own, self._lake, self._environment, self._client = own, lake, environment, client
        self._parent = f"projects/{own.project}/locations/{own.region}"

    def find(self, name: str) -> Job | None:
        """The batch with this id."""
        path = f"{self._parent}/batches/{name}"
        try:
            return _job(self._asked(lambda: self._client.get_batch(name=path, timeout=SECONDS)))
        except NotFound:
            return None

    def alive(self) -> Sequence[Job]:
        """The batches of this lake that run or are about to; one that is being cancelled still has the lake."""
        return [job for state in ("PENDING", "RUNNING", "CANCELLING") for job in self._in_state(state)]

    def _in_state(self, state: str) -> list[Job]:
        wanted = dataproc_v1.ListBatchesRequest(
            parent=self._parent, filter=f'state = {state} AND labels.{LABEL} = "{self._own.name}"'
        )
        return self._asked(lambda: [_job(batch) for batch in self._client.list_batches(wanted, timeout=SECONDS)])

    def start(self, name: str, work: Work) -> Job | None:
        """Create the batch; the same id and request id make it one batch however often it is asked for."""
        request = dataproc_v1.CreateBatchRequest(
            parent=self._parent,
            batch=batch_of(self._own, work, self._environment),
            batch_id=name,
            request_id=request_id(self._lake, name),
        )
        try:
            self._asked(lambda: self._client.create_batch(request, timeout=SECONDS))
        except AlreadyExists:
            return self.find(name)
        return Job(name, "PENDING", "alive")

    def _asked(self, ask: Callable[[], Found]) -> Found:
        try:
            return ask()
        except (AlreadyExists, NotFound):
            raise
        except (GoogleAPICallError, GoogleAuthError, RetryError) as error:
            again = isinstance(error, LATER) or (isinstance(error, GoogleAuthError) and error.retryable)
            raise PlatformError(
                f"Dataproc answered {type(error).__name__}",
                where=self._parent,
                value=without_secrets(first_line(error)),
                again=again,
            ) from error


def batch_of(own: OnDataproc, work: Work, environment: Mapping[str, str]) -> Batch:
    """The batch that does the work; what an operator set in TRIGGER_PROPERTIES wins."""
    properties = {f"spark.dataproc.driverEnv.{name}": value for name, value in environment.items()}
    words = [word for option in work.arguments.items() for word in option if word]
    return dataproc_v1.Batch(
        pyspark_batch=dataproc_v1.PySparkBatch(
            main_python_file_uri=own.backfill_file if work.asked.kind == "backfill" else own.daily_file,
            args=words,
            python_file_uris=list(own.py_files),
            archive_uris=list(own.archives),
            jar_file_uris=list(own.jars),
        ),
        runtime_config=dataproc_v1.RuntimeConfig(
            version=own.runtime_version,
            container_image=own.container_image,
            properties={**properties, **own.properties},
        ),
        environment_config=dataproc_v1.EnvironmentConfig(
            execution_config=dataproc_v1.ExecutionConfig(
                service_account=own.service_account,
                subnetwork_uri=own.subnetwork,
                staging_bucket=own.staging_bucket,
                network_tags=list(own.network_tags),
                ttl={"seconds": own.ttl_seconds},
                # From runtime 3.0 on a batch works with its creator's credentials unless told otherwise.
                authentication_config=dataproc_v1.AuthenticationConfig(
                    user_workload_authentication_type=dataproc_v1.AuthenticationConfig.AuthenticationType.SERVICE_ACCOUNT
                ),
            )
        ),
        labels={**own.labels, LABEL: own.name, "call": work.asked.kind},
    )


def _job(batch: Batch) -> Job:
    state = batch.state.name
    return Job(batch.name.rpartition("/")[2], state, CONDITIONS.get(state, "alive"))
