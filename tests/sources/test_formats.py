"""Formats: one table says which there are, with their options; a module of the same name reads each."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module

from spark_jobs.contract.formats import FORMATS, SERVED
from spark_jobs.sources.csv import CsvOptions
from spark_jobs.sources.json import JsonOptions


def test_every_format_that_a_contract_may_name_has_its_reader() -> None:
    """Another entry of the table without a module would fail in a run only."""
    for name in FORMATS.keys() - SERVED.keys():
        assert callable(import_module(f"spark_jobs.sources.{name}").read_batches), name


def test_contracts_may_state_exactly_the_options_that_the_readers_take() -> None:
    """The table is checked without loading a reader, so it must not drift from them."""
    assert set(FORMATS["csv"]) == {f.name for f in fields(CsvOptions)}
    assert set(FORMATS["json"]) == {f.name for f in fields(JsonOptions)}
