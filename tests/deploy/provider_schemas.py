"""The schemas of Terraform's providers, from the type declarations of their generated bindings on npm.

The providers themselves can't be had from a registry of packages; the bindings say of every resource which arguments
and blocks it takes, by Terraform's own names, and which of them are required.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.lacking import lacking, program

CACHE = Path(__file__).parents[2] / ".cache" / "provider-schemas"
PACKAGES = {"google": "@cdktf/provider-google@16.12.1", "aws": "@cdktf/provider-aws@21.22.1"}
INTERFACE = re.compile(r"^export interface (\w+)(?: extends [\w.]+)? \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
PROPERTY = re.compile(
    r"/\*\*(?P<about>(?:(?!\*/).)*)\*/\s*readonly \w+(?P<optional>\??): (?P<type>\{.*?\n    \}|[^;{]*);", re.DOTALL
)
NAME = re.compile(r"#(\w+) \w+#\w+\}")
GETTER = re.compile(r"^    get (\w+)\(\): (.*);$", re.MULTILINE)
CLASS = re.compile(r"^export declare class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
TOP_CLASSES = ("TerraformResource", "TerraformDataSource", "TerraformProvider")
SIMPLE = {"string": "string", "boolean": "bool", "number": "number"}
MAPS = {"cdktf.StringMap": "string", "cdktf.BooleanMap": "bool", "cdktf.NumberMap": "number"}


@dataclass(frozen=True)
class Argument:
    """An attribute or a block: `nested` names what it is made of, if that has parts; `type` is an attribute's.

    Types are written as Terraform writes them in JSON: "string", ["map", "string"]; "dynamic" where nothing is known.
    """

    is_block: bool
    required: bool
    is_list: bool
    nested: str | None
    type: Any


@dataclass(frozen=True)
class Schema:
    """What one resource, data source or provider takes (`top` and below), and by part what it can be asked for."""

    top: str
    parts: Mapping[str, Mapping[str, Argument]]
    exported: Mapping[str, Mapping[str, Any]]


def fetch(provider: str) -> Path:
    """The folder of a provider's declarations, downloaded once; without npm or its registry the test is skipped."""
    package = PACKAGES[provider]
    target = CACHE / package.replace("/", "-").lstrip("@")
    if target.is_dir():
        return target
    npm = program("npm", "npm")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        _packed(npm, package, folder)
        _unpack(next(Path(folder).glob("*.tgz")), Path(folder) / "lib")
        try:
            os.replace(Path(folder) / "lib", target)
        except OSError:  # another process was quicker
            if not target.is_dir():
                raise
    return target


def _packed(npm: str, package: str, folder: str) -> None:
    command = [npm, "pack", package, "--silent", "--pack-destination", folder]
    cure = "the providers' schemas take a network, once"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        lacking(f"npm didn't fetch {package} within four minutes", cure)
    if done.returncode != 0:
        lacking(f"npm can't fetch {package}: {done.stderr.strip()[-300:]}", cure)


def _unpack(archive: Path, target: Path) -> None:
    """Only the declarations, each resource's in one file."""
    texts: dict[str, list[bytes]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            found = re.fullmatch(r"package/lib/([\w-]+)/index[\w-]*\.d\.ts", member.name)
            if found and (content := tar.extractfile(member)):
                texts.setdefault(found[1], []).append(content.read())
    target.mkdir()
    for name, parts in texts.items():
        (target / f"{name}.d.ts").write_bytes(b"\n".join(parts))


@cache
def schema(provider: str, kind: str, type_name: str) -> Schema | None:
    """What a type takes, None where the provider has none of the name; `kind`: resource, data or provider."""
    short = type_name.removeprefix(f"{provider}_").replace("_", "-")
    stem = {"resource": short, "data": f"data-{provider}-{short}", "provider": "provider"}[kind]
    file = fetch(provider) / f"{stem}.d.ts"
    return read(file.read_text(encoding="utf-8")) if file.is_file() else None


def read(declarations: str) -> Schema:
    """The schema in the text of a declaration file."""
    parts = {name: dict(_arguments(body)) for name, body in INTERFACE.findall(declarations)}
    top = next(name for name in parts if name.endswith("Config"))
    exported = {}
    for name, base, body in CLASS.findall(declarations):
        part = top if base in TOP_CLASSES else name.removesuffix("OutputReference")
        exported[part] = {
            _snake(getter): _type(of) for getter, of in GETTER.findall(body) if not getter.endswith("Input")
        }
    return Schema(top, parts, exported)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda found: "_" + found[0], name).lower()


def _type(text: str) -> Any:
    """The first of TypeScript's alternatives that Terraform has a type for."""
    if text.startswith("{"):
        inner = re.search(r"\]:\s*([^;]+);", text)
        return ["map", _type(inner[1]) if inner else "string"]
    for part in (one.strip() for one in text.split("|")):
        if part in SIMPLE:
            return SIMPLE[part]
        if part.removesuffix("[]") in SIMPLE:
            return ["list", SIMPLE[part.removesuffix("[]")]]
        if part in MAPS:
            return ["map", MAPS[part]]
    return "dynamic"


def _arguments(body: str) -> Iterator[tuple[str, Argument]]:
    for found in PROPERTY.finditer(body):
        name = NAME.search(found["about"])
        if name is None:
            continue
        types = [part.strip() for part in found["type"].split("|")]
        own = next((part for part in types if re.fullmatch(r"[A-Z]\w+(\[\])?", part)), None)
        yield (
            name[1],
            Argument(
                is_block=re.match(rf"\s*\*?\s*{name[1]} block\s", found["about"]) is not None,
                required=not found["optional"],
                is_list=any(part.endswith("[]") for part in types),
                nested=own.removesuffix("[]") if own else None,
                type=_type(found["type"]),
            ),
        )
