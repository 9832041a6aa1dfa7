"""`extends: builtin`: a contract that states only what differs from the built-in one."""

from __future__ import annotations

from typing import Any

from spark_jobs.contract.document import Block


def extended(base: Block, own: Block) -> Block:
    """The built-in document overlaid with the user's: properties and rules by name, settings one by one.

    Inside a property the keys that aren't restated stay, `null` switches one off; transformLogic and
    transformSourceObjects count as one. A rule restated with `implementation: null` is gone.
    """
    merged = _overlay(base, own)
    for key in ("customProperties", "slaProperties"):
        _put(merged, key, _by_name(base.get(key), own.get(key), "property"), base, own)
    _put(merged, "schema", [_schema(base["schema"][0], own["schema"][0])], base, own)
    return merged


def _schema(base: Block, own: Block) -> Block:
    merged = _overlay(base, own)
    ours = {item.get("name"): item for item in own.get("properties") or []}
    properties = [_property(item, ours.pop(item["name"], None)) for item in base["properties"]]
    _put(merged, "properties", [*properties, *ours.values()], base, own)
    rules = _by_name(base.get("quality"), own.get("quality"), "name")
    off = {rule.get("name") for rule in own.get("quality") or [] if rule.get("implementation", "") is None}
    _put(merged, "quality", [rule for rule in rules if rule.get("name") not in off], base, own)
    return merged


def _property(base: Block, own: Block | None) -> Block:
    if own is None:
        return base
    transform = ("transformLogic", "transformSourceObjects")
    if any(key in own for key in transform):
        kept = {key: value for key, value in base.items() if key not in transform}
        base = Block(kept, base.mark, base.marks)
    merged = _overlay(base, own)
    settings = _by_name(base.get("customProperties"), own.get("customProperties"), "property")
    _put(merged, "customProperties", settings, base, own)
    return merged


def _by_name(base: list[Block] | None, own: list[Block] | None, name: str) -> list[Block]:
    """Both lists as one: same-named entries overlaid in the base's place, new ones and nameless ones after."""
    ours = {item[name]: item for item in own or [] if item.get(name) is not None}
    nameless = [item for item in own or [] if item.get(name) is None]
    placed = [_overlay(item, ours.pop(item.get(name), None)) for item in base or []]
    return [*placed, *ours.values(), *nameless]


def _overlay(base: Block, own: Block | None) -> Block:
    if own is None:
        return base
    items = {key: value for key, value in {**base, **own}.items() if value is not None}
    return Block(items, own.mark, {**base.marks, **own.marks})


def _put(merged: Block, key: str, value: list[Any], base: Block, own: Block) -> None:
    """Set a merged list, or leave the key out when there is nothing in it."""
    merged.pop(key, None)
    if value:
        merged[key] = value
        merged.marks[key] = own.marks.get(key) or base.at(key)
