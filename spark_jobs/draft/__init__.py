"""`opslake contract new`: a contract drafted from a file, every guess marked with what speaks for it."""

from __future__ import annotations

import re
from pathlib import Path

from spark_jobs.contract import Contract
from spark_jobs.draft.columns import guess_columns
from spark_jobs.draft.mapping import write_extension
from spark_jobs.draft.sample import take_sample
from spark_jobs.draft.writing import write_draft
from spark_jobs.sources.headers import fold

__all__ = ["draft_contract"]


def draft_contract(
    file: Path, *, dataset: str | None = None, onto: Contract | None = None, sample_rows: int = 100_000
) -> str:
    """A contract for the file as YAML text that passes lint; a comment `# guess: …` gives the evidence of each guess.

    `onto`, a built-in contract, makes it one that `extends: builtin` and maps the file's headers onto that dataset's
    columns; else it describes a dataset of its own, called `dataset` or after the file. At most `sample_rows` records
    are looked at. SourceError when the file can't be read.
    """
    sample = take_sample(file, sample_rows)
    columns = guess_columns(sample)
    if onto is not None:
        return write_extension(sample, columns, onto)
    return write_draft(sample, columns, dataset or dataset_name(file))


def dataset_name(file: Path) -> str:
    """The file's name without endings and dates, in snake_case."""
    stem = file.name.split(".")[0]
    return fold(re.sub(r"[\d_-]*\d{4}[-_]?\d{2}([-_]?\d{2})?[\d_-]*", "_", stem)).replace("unnamed_0", "dataset")
