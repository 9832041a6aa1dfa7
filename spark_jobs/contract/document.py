"""A contract's YAML with the line of every key, held against the standard's own models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import BaseModel, ValidationError

from spark_jobs.contract.findings import Mark, Report


class Block(dict[str, Any]):
    """A YAML mapping that knows where it and each of its keys stands."""

    def __init__(self, items: Mapping[str, Any], mark: Mark, marks: Mapping[str, Mark]) -> None:
        super().__init__(items)
        self.mark, self.marks = mark, dict(marks)

    def at(self, key: str) -> Mark:
        """The place of a key, else of the block."""
        return self.marks.get(key, self.mark)


def read_document(text: str, report: Report) -> Block | None:
    """The document as nested Blocks, or None with findings when it isn't YAML, isn't a mapping or isn't ODCS."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        document = _convert(loader, node, report) if node is not None else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        place = getattr(error, "problem_mark", None)
        mark = Mark(report.file, place.line + 1 if place else None)
        report.add("", f"not YAML: {getattr(error, 'problem', None) or error}", mark=mark)
        return None
    if not isinstance(document, Block):
        report.add("", "a contract is a YAML mapping", value=type(document).__name__, hint="see docs/contracts.md")
        return None
    _unknown_keys(document, OpenDataContractStandard, "", report)
    return document if _well_shaped(document, report) else None


def _convert(loader: yaml.SafeLoader, node: yaml.Node, report: Report) -> Any:
    """The node's value, mappings as Blocks; a key that stands twice is a finding."""
    if isinstance(node, yaml.SequenceNode):
        return [_convert(loader, child, report) for child in node.value]
    if node.tag == "tag:yaml.org,2002:timestamp":
        return node.value  # the standard's models want text
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node, deep=True)
    loader.flatten_mapping(node)
    items: dict[str, Any] = {}
    marks: dict[str, Mark] = {}
    for key_node, value_node in node.value:
        key, mark = str(key_node.value), Mark(report.file, key_node.start_mark.line + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            report.add("", "a key is text", mark=mark)
            continue
        if key in items:
            report.add(key, "the key stands twice", mark=mark, hint=f"first in line {marks[key].line}")
        items[key], marks[key] = _convert(loader, value_node, report), mark
    return Block(items, Mark(report.file, node.start_mark.line + 1), marks)


def _unknown_keys(block: Block, model: type[BaseModel], path: str, report: Report) -> None:
    """Findings for keys that the standard doesn't have, at any depth that it describes."""
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for key, value in block.items():
        here = f"{path}.{key}" if path else key
        if key not in fields:
            report.add(here, "unknown key", mark=block.at(key), value=key, allowed=list(fields))
            continue
        single, listed = _models(fields[key])
        if isinstance(value, Block) and single:
            _unknown_keys(value, single, here, report)
        for index, item in enumerate(value if isinstance(value, list) and listed else ()):
            if isinstance(item, Block) and listed:
                label = item.get("name") or item.get("property") or index
                _unknown_keys(item, listed, f"{here}[{label}]", report)


def _models(annotation: Any) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
    """The model that an annotation allows by itself, and the one that it allows in a list."""
    single = listed = None
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            single = option
        elif get_origin(option) is list:
            listed = _models(get_args(option)[0])[0]
    return single, listed


def _options(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, UnionType):
        yield from get_args(annotation)
    else:
        yield annotation


def _well_shaped(document: Block, report: Report) -> bool:
    """True when every known key has the kind of value that the standard says; else findings."""
    before = len(report.findings)
    try:
        OpenDataContractStandard.model_validate(_plain(document), strict=True)
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] != "extra_forbidden":
                key, mark = _place(document, problem["loc"])
                report.add(key, problem["msg"], mark=mark, value=problem["input"])
    return len(report.findings) == before


def _place(document: Block, path: tuple[int | str, ...]) -> tuple[str, Mark]:
    """A pydantic location as a readable key and its place in the file."""
    value: Any = document
    key, mark = "", document.mark
    for step in path:
        if isinstance(value, Block) and isinstance(step, str) and step in value:
            mark, value, key = value.at(step), value[step], f"{key}.{step}".lstrip(".")
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
            label = value.get("name") or value.get("property") if isinstance(value, Block) else None
            key += f"[{label or step}]"
    return key, mark


def _plain(value: Any) -> Any:
    """Blocks as plain dicts, which is what the standard's models want."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
