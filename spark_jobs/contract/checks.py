"""What can't be meant, although every key of it is right."""

from __future__ import annotations

from spark_jobs.contract.findings import Report
from spark_jobs.contract.model import Contract


def check(contract: Contract, report: Report) -> None:
    """Findings for everything in the contract that contradicts itself or can't work."""


def against_builtin(contract: Contract, builtin: Contract, report: Report) -> None:
    """Findings where Gold, which was written for the built-in contract, couldn't read this one's Silver."""
