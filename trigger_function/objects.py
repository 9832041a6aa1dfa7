"""What an object is that landed: a day's delivery, the ready marker of one, or nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from spark_jobs.contract import Contract
from spark_jobs.contract.formats import SERVED
from state.landing import date_in

MARKER = re.compile(r"(?P<dataset>[^/]+)/_ready/(?P<day>\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Landed:
    """The dataset and day that an object belongs to; `marker`: it says that the day's files are all there."""

    dataset: str
    day: date
    marker: bool = False


def what_landed(bucket: str, name: str, landing: str, contracts: Iterable[Contract]) -> Landed | None:
    """What the object is, None where it is no delivery of any dataset and no marker.

    `landing` is the landing root's URI; `gs`, `s3` and `s3a` name the same place. Hidden files and those that begin
    with an underscore are no deliveries.
    """
    root = landing.partition("://")[2].rstrip("/") + "/"
    whole = f"{bucket}/{name}"
    if "://" not in landing or not whole.startswith(root):
        return None
    path = whole[len(root) :]
    known = [contract for contract in contracts if contract.format not in SERVED]  # tables and tabs don't land
    marker = MARKER.fullmatch(path)
    if marker is not None:
        day = _day(marker["day"])
        waiting = day is not None and any(d.dataset == marker["dataset"] and d.ready_marker for d in known)
        return Landed(marker["dataset"], day, marker=True) if day is not None and waiting else None
    for dataset in known:
        day = date_in(path, dataset.path, ignore_case=dataset.path_ignores_case)
        if day is not None:
            return Landed(dataset.dataset, day)
    return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
