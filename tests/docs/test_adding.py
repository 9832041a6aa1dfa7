"""The worked examples of docs/adding-*.md: what the pages say to do is done, and what they show must come out."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pyspark.sql import SparkSession

import spark_jobs.gold
import spark_jobs.sources
from spark_jobs.contract import formats, settings
from spark_jobs.gold import registry
from tests.cli.conftest import Command
from tests.docs.page import Step, commands, holds, rows_of, steps
from tests.e2e.processes import few_tables
from tests.e2e.trial import Trial

CODE = ("spark_jobs/", "tests/")


@contextmanager
def code_of(page: str, folder: Path, package: ModuleType) -> Iterator[dict[str, ModuleType]]:
    """The page's modules by path; inside the block `package` holds those that the page puts into it."""
    files = {step.name: step for step in steps(page) if step.kind == "file" and step.name.startswith(CODE)}
    for step in files.values():
        write(folder, step)
    there = folder / package.__name__.replace(".", "/")
    assert there.is_dir(), f"{page} adds nothing to {package.__name__}"
    names = {name: name.removesuffix(".py").replace("/", ".") for name in files}
    package.__path__.append(str(there))
    try:
        inside = {n: importlib.import_module(m) for n, m in names.items() if m.startswith(package.__name__)}
        yield inside | {n: module_at(folder / n) for n in names if n.startswith("tests/")}
    finally:
        package.__path__.remove(str(there))
        for module in names.values():
            sys.modules.pop(module, None)
            package.__dict__.pop(module.rpartition(".")[2], None)


def module_at(path: Path) -> ModuleType:
    """A file as a module of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tests(module: ModuleType, **fixtures: Any) -> int:
    """Run the tests that a page shows; how many there are."""
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    for test in tests:
        test(**fixtures)
    return len(tests)


def write(folder: Path, step: Step) -> None:
    """A file of the page."""
    path = folder / step.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(step.text, encoding="utf-8")


def follow(page: str, folder: Path, opslake: Command, spark: SparkSession) -> int:
    """Do what the page does, step by step; the number of things that it shows and that were compared."""
    lake, shown = Trial(spark, folder), 0
    for step in steps(page):
        if step.kind == "file" and not step.name.startswith(CODE):
            write(folder, step)
        elif step.kind == "console":
            for words, expected in commands(step.text):
                answer = opslake(*words[1:])
                assert answer.code == 0, f"{words} ended with {answer.code}:\n{answer.out}{answer.err}"
                assert holds(answer.out, expected), f"{words} printed\n{answer.out}instead of {expected}"
                shown += len(expected)
        elif step.kind == "table":
            header, expected_rows = rows_of(step.text)
            assert cells(lake.rows(step.name), header) == sorted(expected_rows, key=repr), step.name
            shown += 1
    return shown


def cells(rows: list[dict[str, Any]], header: list[str]) -> list[tuple[str | None, ...]]:
    """The named columns as the pages write them."""
    found = [tuple(None if row[name] is None else str(row[name]) for name in header) for row in rows]
    return sorted(found, key=repr)


def test_a_dataset_is_added_as_the_page_says(tmp_path: Path, opslake: Command, own_session: SparkSession) -> None:
    """A contract and a file: Silver, the exception and the commands' output are those of the page."""
    with few_tables(()):
        assert follow("adding-a-dataset.md", tmp_path, opslake, own_session) >= 5


def test_a_gold_table_is_added_as_the_page_says(tmp_path: Path, opslake: Command, own_session: SparkSession) -> None:
    """On top of the page on datasets: its own test passes; two runs and a rebuild leave the figures that it shows."""
    page = "adding-a-gold-table.md"
    for step in steps("adding-a-dataset.md"):
        if step.kind == "file":
            write(tmp_path, step)
    with few_tables(()), code_of(page, tmp_path, spark_jobs.gold) as code:
        assert run_tests(code["tests/gold/test_chat_daily_summary.py"], spark=own_session) >= 1
        declared = code["spark_jobs/gold/chat_daily_summary.py"].chat_daily_summary.gold
        registry()[declared.name] = declared
        assert follow(page, tmp_path, opslake, own_session) >= 5


def test_a_source_is_added_as_the_page_says(
    tmp_path: Path, opslake: Command, own_session: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader and a line in the table of formats: its own test passes, and the dataset in that format loads."""
    page = "adding-a-source.md"
    (entry,) = [step.text for step in steps(page) if step.kind == "entry"]
    for name, options in eval("{" + entry + "}", {**vars(settings), **vars(formats)}).items():
        monkeypatch.setitem(formats.FORMATS, name, options)
    with few_tables(()), code_of(page, tmp_path, spark_jobs.sources) as code:
        assert run_tests(code["tests/sources/test_fwf.py"]) >= 1
        assert follow(page, tmp_path, opslake, own_session) >= 3
