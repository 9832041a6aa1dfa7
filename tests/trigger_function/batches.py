"""A server that speaks Dataproc's BatchController and long-running operations, with the library's own types."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.cloud import dataproc_v1
from google.cloud.dataproc_v1.services.batch_controller.transports import BatchControllerGrpcTransport
from google.longrunning import operations_pb2

FILTER = re.compile(r'state = (?P<state>[A-Z]+) AND labels\.(?P<key>[a-z-]+) = "(?P<value>[^"]*)"')
State = dataproc_v1.Batch.State


@dataclass
class Batches:
    """What the service holds: batches by their full name, requests as they came, and an error for the next call."""

    held: dict[str, dataproc_v1.Batch] = field(default_factory=dict)
    created: list[dataproc_v1.CreateBatchRequest] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fails: tuple[grpc.StatusCode, str] | None = None
    before_create: Callable[[dataproc_v1.CreateBatchRequest], None] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def ids(self) -> list[str]:
        """The ids of all batches in the order of their creation."""
        return [name.rpartition("/")[2] for name in self.held]

    def set_state(self, batch_id: str, state: str) -> None:
        """What a batch has come to."""
        name = next(n for n in self.held if n.endswith(f"/{batch_id}"))
        self.held[name].state = State[state]

    def put(self, parent: str, batch_id: str, batch: dataproc_v1.Batch) -> dataproc_v1.Batch:
        """A batch that is there, however it came to be."""
        name = f"{parent}/batches/{batch_id}"
        self.held[name] = dataproc_v1.Batch(batch, name=name, state=batch.state or State.PENDING)
        return self.held[name]

    def create(self, request: dataproc_v1.CreateBatchRequest, context: grpc.ServicerContext) -> Any:
        """A request id that came before gives the operation of then; an id that is taken is refused."""
        self._note("create", context)
        if self.before_create is not None:
            self.before_create(request)
        with self._lock:
            if not re.fullmatch(r"[a-z0-9-]{4,63}", request.batch_id):
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"batch id {request.batch_id!r}")
            repeated = [r for r in self.created if r.request_id == request.request_id]
            name = f"{request.parent}/batches/{request.batch_id}"
            if not repeated and name in self.held:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{name} already exists")
            self.created.append(request)
            if not repeated:
                self.put(request.parent, request.batch_id, request.batch)
        operation = operations_pb2.Operation(name=f"{request.parent}/operations/{request.request_id}")
        metadata = dataproc_v1.BatchOperationMetadata(batch=name)
        operation.metadata.Pack(dataproc_v1.BatchOperationMetadata.pb(metadata))
        return operation

    def get(self, request: dataproc_v1.GetBatchRequest, context: grpc.ServicerContext) -> dataproc_v1.Batch:
        """One batch."""
        self._note("get", context)
        if request.name not in self.held:
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} not found")
        return self.held[request.name]

    def listed(
        self, request: dataproc_v1.ListBatchesRequest, context: grpc.ServicerContext
    ) -> dataproc_v1.ListBatchesResponse:
        """Those that the filter names, one on each page."""
        self._note("list", context)
        wanted = FILTER.fullmatch(request.filter)
        if wanted is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"filter {request.filter!r}")
            raise AssertionError
        found = [
            batch
            for name, batch in self.held.items()
            if name.startswith(f"{request.parent}/")
            and batch.state == State[wanted["state"]]
            and batch.labels.get(wanted["key"]) == wanted["value"]
        ]
        at = int(request.page_token or 0)
        following = str(at + 1) if at + 1 < len(found) else ""
        return dataproc_v1.ListBatchesResponse(batches=found[at : at + 1], next_page_token=following)

    def operation(self, request: Any, context: grpc.ServicerContext) -> Any:
        """How far a creation has come: never to its end."""
        self._note("operation", context)
        return operations_pb2.Operation(name=request.name)

    def _note(self, call: str, context: grpc.ServicerContext) -> None:
        self.calls.append(call)
        if self.fails is not None:
            context.abort(*self.fails)


@contextmanager
def batch_server() -> Iterator[tuple[Batches, dataproc_v1.BatchControllerClient]]:
    """The service on a free port, and a client of it."""
    batches = Batches()
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers(_handlers(batches))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        transport = BatchControllerGrpcTransport(channel=channel)
        yield batches, dataproc_v1.BatchControllerClient(transport=transport)
    server.stop(None)


def _handlers(batches: Batches) -> tuple[Any, ...]:
    def unary(does: Any, request: Any, response: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(does, request_deserializer=request, response_serializer=response)

    return (
        grpc.method_handlers_generic_handler(
            "google.cloud.dataproc.v1.BatchController",
            {
                "CreateBatch": unary(
                    batches.create,
                    dataproc_v1.CreateBatchRequest.deserialize,
                    operations_pb2.Operation.SerializeToString,
                ),
                "GetBatch": unary(batches.get, dataproc_v1.GetBatchRequest.deserialize, dataproc_v1.Batch.serialize),
                "ListBatches": unary(
                    batches.listed,
                    dataproc_v1.ListBatchesRequest.deserialize,
                    dataproc_v1.ListBatchesResponse.serialize,
                ),
            },
        ),
        grpc.method_handlers_generic_handler(
            "google.longrunning.Operations",
            {
                "GetOperation": unary(
                    batches.operation,
                    operations_pb2.GetOperationRequest.FromString,
                    operations_pb2.Operation.SerializeToString,
                )
            },
        ),
    )
