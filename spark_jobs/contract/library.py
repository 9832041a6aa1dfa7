"""Where contracts come from: the built-in ones, and a directory of the user's own beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from spark_jobs.contract.checks import against_builtin, check
from spark_jobs.contract.document import Block, read_document
from spark_jobs.contract.extending import extended
from spark_jobs.contract.findings import Finding, Report
from spark_jobs.contract.model import Contract
from spark_jobs.contract.reading import dataset_of, read_contract
from spark_jobs.contract.settings import states
from spark_jobs.errors import ContractError
from state.stores import open_files

SUFFIX = ".odcs.yaml"


@dataclass(frozen=True)
class ContractFile:
    """A file that was read as far as it goes."""

    name: str
    dataset: str | None
    contract: Contract | None
    findings: tuple[Finding, ...]


def load_contracts(user_dir: Path | str | None = None) -> dict[str, Contract]:
    """Every contract by dataset: the built-in ones, replaced or joined by those in `user_dir`.

    `user_dir` is a folder or a URI that fsspec knows. ContractError for the first thing that is wrong in any file,
    for two files of one dataset, and for a directory that isn't there.
    """
    contracts = {name: load_contract(name) for name in _builtin_files()}
    own: dict[str, Contract] = {}
    for file in _read_all(_directory(str(user_dir)) if user_dir is not None else ()):
        if file.findings or file.contract is None:
            raise file.findings[0].error(others=len(file.findings) - 1)
        own[file.contract.dataset] = file.contract
    return contracts | own


def load_contract(dataset: str) -> Contract:
    """The built-in contract of a dataset; ContractError when there is none."""
    known = _builtin_files()
    if dataset not in known:
        raise ContractError("no built-in contract of this dataset", value=dataset, allowed=known)
    return _builtin(dataset)


def lint(paths: Iterable[Path | str] = ()) -> list[Finding]:
    """Everything that is wrong in the contracts that the paths (files or directories) name, else in the built-in."""
    return [finding for file in contract_files(paths) for finding in file.findings]


def contract_files(paths: Iterable[Path | str] = ()) -> list[ContractFile]:
    """The contracts that the paths (files or directories) name, else the built-in, each read as far as it goes."""
    texts: list[tuple[str, str]] = []
    for path in map(str, paths):
        texts += [(path, _read(path))] if path.endswith((".yaml", ".yml")) else list(_directory(path))
    if not texts:
        texts = [(_builtin_name(name), file.read_text(encoding="utf-8")) for name, file in _builtin_files().items()]
    return list(_read_all(texts))


def expressions(contract: Contract) -> list[tuple[str, str]]:
    """Every Spark SQL expression of the contract with the place that it stands in, for Spark to parse."""
    found = [(f"{c.name}.transformLogic", c.transform) for c in contract.columns if c.transform is not None]
    found += [(f"{c.name}.fallback", c.fallback) for c in contract.columns if c.fallback is not None]
    found += [(f"rule {rule.name}", rule.expression) for rule in contract.rules]
    for column in contract.columns:
        if column.pattern is not None:
            literal = column.pattern.replace("\\", "\\\\").replace("'", "\\'")
            found.append((f"{column.name}.pattern", f"'' rlike '{literal}'"))
    return [(f"{contract.origin} {where}", sql) for where, sql in found]


def _read_all(texts: Iterable[tuple[str, str]]) -> Iterator[ContractFile]:
    """The files one by one; the second of two for one dataset says so."""
    first: dict[str, str] = {}
    for name, text in texts:
        file = read_file(name, text)
        if file.dataset in first:
            report = Report(name, list(file.findings))
            report.add("schema.name", f"two files for one dataset: {first[file.dataset]} and this", value=file.dataset)
            file = ContractFile(name, file.dataset, None, tuple(report.findings))
        elif file.dataset is not None:
            first[file.dataset] = name
        yield file


def read_file(name: str, text: str) -> ContractFile:
    """One contract's text, with what it extends taken in, read and checked; `name` is what findings call it."""
    report = Report(name)
    document = read_document(text, report)
    if document is None:
        return ContractFile(name, None, None, tuple(report.findings))
    dataset = dataset_of(document, Report(name))
    if states(document, "extends") and dataset is not None:
        if dataset not in _builtin_files():
            report.add("extends", "there is no built-in contract to extend", value=dataset, allowed=_builtin_files())
            return ContractFile(name, dataset, None, tuple(report.findings))
        document = extended(_builtin_document(dataset), document)
    contract = read_contract(document, report)
    if contract is not None and not report.findings:
        check(contract, report)
        if dataset in _builtin_files() and name != _builtin_name(dataset):
            against_builtin(contract, _builtin(dataset), report)
    return ContractFile(name, dataset, contract, tuple(report.findings))


@cache
def _builtin(dataset: str) -> Contract:
    report = Report(_builtin_name(dataset))
    contract = read_contract(_builtin_document(dataset), report)
    if contract is not None and not report.findings:
        check(contract, report)
    report.raise_first()
    assert contract is not None  # without a finding there is one
    return contract


@cache
def _builtin_document(dataset: str) -> Block:
    report = Report(_builtin_name(dataset))
    document = read_document(_builtin_files()[dataset].read_text(encoding="utf-8"), report)
    report.raise_first()
    assert document is not None  # without a finding there is one
    return document


@cache
def _builtin_files() -> dict[str, Traversable]:
    """The package's own contracts by dataset; they may lie in a zip that was shipped to a cluster."""
    found = (files("spark_jobs") / "contracts").iterdir()
    return {f.name.removesuffix(SUFFIX): f for f in sorted(found, key=lambda f: f.name) if f.name.endswith(SUFFIX)}


def _builtin_name(dataset: str) -> str:
    """What findings call a built-in contract: the same wherever the package is installed."""
    return f"spark_jobs/contracts/{dataset}{SUFFIX}"


def _directory(directory: str) -> Iterator[tuple[str, str]]:
    """Name and text of every contract in a directory, by name; other YAML there is an error, not passed over."""
    system, root = open_files(directory)
    if not system.isdir(root):
        raise ContractError("no such directory of contracts", value=directory, hint="check the setting `contracts`")
    for path in sorted(system.ls(root, detail=False)):
        name = str(path).rpartition("/")[2]
        shown = f"{directory.rstrip('/')}/{name}"
        if name.endswith(SUFFIX):
            yield shown, _read(shown)
        elif name.endswith((".yaml", ".yml")):
            raise ContractError("not read as a contract", where=shown, allowed=f"<dataset>{SUFFIX}", hint="rename it")


def _read(path: str) -> str:
    try:
        system, place = open_files(path)
        with system.open(place, "r", encoding="utf-8") as stream:
            return str(stream.read())
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"can't be read: {error}", where=path) from error
