"""What is wrong with a folder of Terraform, by the providers' schemas and by its own names; nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

from tests.deploy.provider_schemas import PACKAGES, Argument, Schema, schema

META = {"count", "for_each", "depends_on", "provider", "lifecycle", "alias"}
REFERENCE = re.compile(r"(?<![\w.\"])(data\.)?((?:google|aws)_\w+)\.([\w-]+)(?:\[[^\]]*\])?(?:\.([a-z]\w*))?")
NAMES = re.compile(r"(?<![\w.])(var|local)\.(\w+)")

Body = Mapping[str, Any]


def findings(module: Module) -> list[str]:
    """Everything that is wrong, each with its place; none when all is well."""
    return sorted({*module.unknown_arguments(), *module.unknown_names(), *module.unknown_references()})


@cache
def module_of(cloud: str) -> Module:
    """Ours for one cloud, parsed once."""
    return Module(Path(__file__).parents[2] / "deploy" / cloud)


class Module:
    """A folder's files, parsed."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, Body] = {}
        for path in sorted(folder.glob("*.tf")):
            self.files[path.name] = hcl2.loads(path.read_text(encoding="utf-8") + "\n")
        self.declared = {(kind, type_name, name) for _, kind, type_name, name, _ in self.things()}

    def things(self) -> Iterator[tuple[str, str, str, str, Body]]:
        """File, kind (resource, data), type, name and body of everything that a provider makes or looks up."""
        for file, content in self.files.items():
            for kind in ("resource", "data"):
                for block in content.get(kind, ()):
                    for type_name, named in _parts(block):
                        for name, body in _parts(named):
                            yield file, kind, type_name, name, body

    def unknown_arguments(self) -> Iterator[str]:
        """Types, arguments and blocks that the provider doesn't know, and required ones that are missing."""
        for file, kind, type_name, name, body in self.things():
            where = f"{file}: {type_name}.{name}"
            provider = type_name.split("_")[0]
            found = schema(provider, kind, type_name) if provider in PACKAGES else None
            if found is None:
                yield f"{where}: {provider} has no {kind} of this type"
            else:
                yield from _check(where, body, found, found.top)
        for file, content in self.files.items():
            for block in content.get("provider", ()):
                for provider, body in _parts(block):
                    found = schema(provider, "provider", provider) if provider in PACKAGES else None
                    if found is None:
                        yield f"{file}: provider {provider} isn't known"
                    else:
                        yield from _check(f"{file}: provider.{provider}", body, found, found.top)

    def unknown_names(self) -> Iterator[str]:
        """Variables and locals that are used and not declared, or declared and not used."""
        declared = {("var", name) for c in self.files.values() for b in c.get("variable", ()) for name, _ in _parts(b)}
        declared |= {("local", name) for c in self.files.values() for b in c.get("locals", ()) for name, _ in _parts(b)}
        used = {found for text in self._texts() for found in NAMES.findall(text)}
        yield from (f"{kind}.{name} isn't declared" for kind, name in used - declared)
        yield from (f"{kind}.{name} isn't used" for kind, name in declared - used)

    def unknown_references(self) -> Iterator[str]:
        """References to what isn't declared, or to something that it doesn't have."""
        for text in self._texts():
            for data, type_name, name, attribute in REFERENCE.findall(text):
                kind = "data" if data else "resource"
                whole = f"{data}{type_name}.{name}"
                if (kind, type_name, name) not in self.declared:
                    yield f"{whole} isn't declared"
                    continue
                found = schema(type_name.split("_")[0], kind, type_name)
                if attribute and found and not _exports(found, attribute):
                    yield f"{whole}.{attribute}: it has no such attribute"

    def _texts(self) -> Iterator[str]:
        for content in self.files.values():
            yield from _strings(content)


def _check(where: str, body: Body, found: Schema, part: str) -> Iterator[str]:
    known = found.parts[part]
    given: dict[str, list[Any]] = {name: [value] for name, value in _parts(body) if name != "dynamic"}
    for block in body.get("dynamic", ()):
        for name, dynamic in _parts(block):
            contents = [{**content, "__is_block__": True} for content in dynamic["content"]]
            given.setdefault(name, []).append(contents)
    for name, values in given.items():
        argument = known.get(name)
        if argument is None:
            if part != found.top or name not in META:
                yield f"{where}: unknown argument or block {name}"
            continue
        for value in values:
            yield from _check_value(f"{where}.{name}", value, argument, found)
    for name, argument in known.items():
        if argument.required and name not in given:
            yield f"{where}: {'block' if argument.is_block else 'argument'} {name} is missing"


def _check_value(where: str, value: Any, argument: Argument, found: Schema) -> Iterator[str]:
    blocks = (
        isinstance(value, list) and bool(value) and all(isinstance(v, dict) and v.get("__is_block__") for v in value)
    )
    if argument.is_block != blocks:
        yield f"{where}: {'a block, not an argument' if argument.is_block else 'an argument, not a block'}"
    elif blocks:
        if len(value) > 1 and not argument.is_list:
            yield f"{where}: stands {len(value)} times, and may once"
        for one in value:
            if argument.nested:
                yield from _check(where, one, found, argument.nested)
    elif isinstance(value, list) and not argument.is_list:
        yield f"{where}: a list, where one value is meant"
    elif argument.is_list and (isinstance(value, bool | int | float | dict) or _is_literal(value)):
        yield f"{where}: one value, where a list is meant"


def _is_literal(value: Any) -> bool:
    return isinstance(value, str) and value.startswith('"')


def _exports(found: Schema, attribute: str) -> bool:
    return attribute in found.exported[found.top] or attribute in found.parts[found.top]


def _parts(body: Body) -> Iterator[tuple[str, Any]]:
    """A body's own entries with plain names, without what the parser adds."""
    return ((name.strip('"'), value) for name, value in body.items() if not name.startswith("__"))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if not name.startswith("__"):
                yield name
                yield from _strings(one)
