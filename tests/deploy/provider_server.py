"""A provider that knows a schema and does nothing, so that Terraform itself judges our files, and plans with them.

It speaks as much of Terraform's plugin protocol (version 5, gRPC) as `validate` and `plan` need: the schema, and plans
in which whatever a provider would find out is still unknown. Else it has nothing to object. Its messages are declared
here, since no package has them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.deploy.provider_schemas import Schema, schema
from tests.deploy.values import UNKNOWN, packed, unpacked

TYPES = {"string": 9, "bytes": 12, "bool": 8, "int64": 3, "int32": 5}
MESSAGES: Mapping[str, Iterable[tuple[str, int, str]]] = {
    "Attribute": [
        ("name", 1, "string"),
        ("type", 2, "bytes"),
        ("required", 4, "bool"),
        ("optional", 5, "bool"),
        ("computed", 6, "bool"),
    ],
    "Nested": [
        ("type_name", 1, "string"),
        ("block", 2, "Block"),
        ("nesting", 3, "int32"),
        ("min_items", 4, "int64"),
        ("max_items", 5, "int64"),
    ],
    "Block": [("version", 1, "int64"), ("attributes", 2, "Attribute*"), ("block_types", 3, "Nested*")],
    "Schema": [("version", 1, "int64"), ("block", 2, "Block")],
    "Entry": [("key", 1, "string"), ("value", 2, "Schema")],
    "Value": [("msgpack", 1, "bytes")],
    "PlanRequest": [("type_name", 1, "string"), ("proposed", 3, "Value")],
    "ReadRequest": [("type_name", 1, "string"), ("config", 2, "Value")],
    "Answer": [("value", 1, "Value")],
    "GetProviderSchema": [("provider", 1, "Schema"), ("resource", 2, "Entry*"), ("data", 3, "Entry*")],
}
SINGLE, LIST = 1, 2
FOUND = {"string": "found", "number": 1, "bool": True}
"""What a data source finds, by type."""


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="tfplugin5.proto", package="tfplugin5", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            made = message.field.add(name=field, number=number, label=3 if kind.endswith("*") else 1)
            if kind in TYPES:
                made.type = TYPES[kind]
            else:
                made.type, made.type_name = 11, f".tfplugin5.{kind.removesuffix('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tfplugin5.{name}")) for name in MESSAGES}


CLASSES = _classes()


def answer(provider: str, wanted: Iterable[tuple[str, str]]) -> bytes:
    """The provider's answer to GetSchema, with the resources and data sources (kind, type) that are wanted."""
    found = CLASSES["GetProviderSchema"]()
    _fill(found.provider.block, schema(provider, "provider", provider))
    for kind, type_name in wanted:
        _fill(getattr(found, kind).add(key=type_name).value.block, schema(provider, kind, type_name))
    return bytes(found.SerializeToString())


def _fill(block: Any, found: Schema | None, part: str = "") -> None:
    assert found is not None
    part = part or found.top
    for name, argument in found.parts[part].items():
        if argument.is_block and argument.nested:
            once = not argument.is_list
            nested = block.block_types.add(type_name=name, nesting=SINGLE if name == "timeouts" else LIST)
            nested.min_items = int(argument.required)
            nested.max_items = int(once and name != "timeouts")
            nested.block.SetInParent()  # also where it is empty
            _fill(nested.block, found, argument.nested)
        else:
            optional = not argument.required
            kind = json.dumps(argument.type).encode()
            block.attributes.add(name=name, type=kind, required=argument.required, optional=optional, computed=optional)
    for name, of in found.exported.get(part, {}).items():
        if name not in found.parts[part] and name != "internal_value":
            block.attributes.add(name=name, type=json.dumps(of).encode(), computed=True)


class _Provider(grpc.GenericRpcHandler):  # type: ignore[misc]  (grpc has no types)
    def __init__(self, provider: str, wanted: Iterable[tuple[str, str]]) -> None:
        self._provider, self._schemas = provider, answer(provider, wanted)

    def service(self, call: Any) -> Any:
        """Every method takes and gives bytes; an empty message is one without objections."""
        answers = {
            "GetSchema": lambda *_: self._schemas,
            "PrepareProviderConfig": lambda request, _: request,
            "PlanResourceChange": lambda request, _: self._planned(request),
            "ReadDataSource": lambda request, _: self._read(request),
        }
        method = call.method.rpartition("/")[2]
        return grpc.unary_unary_rpc_method_handler(answers.get(method, lambda *_: b""))

    def _planned(self, request: bytes) -> bytes:
        asked = CLASSES["PlanRequest"].FromString(request)
        return self._filled("resource", asked.type_name, asked.proposed.msgpack, lambda _: UNKNOWN)

    def _read(self, request: bytes) -> bytes:
        asked = CLASSES["ReadRequest"].FromString(request)
        return self._filled("data", asked.type_name, asked.config.msgpack, lambda of: FOUND.get(str(of)))

    def _filled(self, kind: str, type_name: str, message: bytes, value: Callable[[Any], Any]) -> bytes:
        found = schema(self._provider, kind, type_name)
        assert found is not None
        content = unpacked(message)
        _fill_gaps(content, found, found.top, value)
        filled = CLASSES["Answer"]()
        filled.value.msgpack = packed(content)
        return bytes(filled.SerializeToString())


def _fill_gaps(content: dict[str, Any], found: Schema, part: str, value: Callable[[Any], Any]) -> None:
    """Give what wasn't given, and what can't be, the value of its type."""
    gaps = {name: a.type for name, a in found.parts[part].items() if not a.required and not (a.is_block and a.nested)}
    gaps |= {name: of for name, of in found.exported.get(part, {}).items() if name not in found.parts[part]}
    for name, of in gaps.items():
        if name in content and content[name] is None:
            content[name] = value(of)
    for name, argument in found.parts[part].items():
        if argument.is_block and argument.nested and isinstance(content.get(name), list):
            for block in content[name]:
                _fill_gaps(block, found, argument.nested, value)


@contextmanager
def serving(provider: str, wanted: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """The provider, and the environment by which Terraform finds it in the place of the real one."""
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers([_Provider(provider, wanted)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    running = {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": os.getpid(), "Test": True, "Addr": address}
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps({f"hashicorp/{provider}": running})}
    finally:
        server.stop(None)
