"""A dataset's contract: what arrives, what is refused and why, what Silver keeps, and how contracts are read."""

from __future__ import annotations

from spark_jobs.contract.carrying import followers, given_column, since_column
from spark_jobs.contract.findings import Finding, Mark
from spark_jobs.contract.library import expressions, lint, load_contract, load_contracts, read_file
from spark_jobs.contract.model import Column, Contract, RowRule

__all__ = [
    "Column",
    "Contract",
    "Finding",
    "Mark",
    "RowRule",
    "expressions",
    "followers",
    "given_column",
    "lint",
    "load_contract",
    "load_contracts",
    "read_file",
    "since_column",
]
