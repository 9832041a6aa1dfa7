"""A series of deliveries, one after the other, as the lake must hold them in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.activity import AGENT_EVENTS, AGENT_IDENTITY
from tests.oracle.calls import CALLS
from tests.oracle.complaints import COMPLAINTS
from tests.oracle.judging import Dataset, Rules
from tests.oracle.model import Figures, HeldBack, LakeTruth, LandedDelivery, Reject, SilverRow, Version
from tests.oracle.reasons import TICKETS
from tests.oracle.records import Record, UnreadableDelivery, read_records
from tests.oracle.values import end_of

DATASETS = {dataset.name: dataset for dataset in (TICKETS, CALLS, AGENT_EVENTS, AGENT_IDENTITY, *COMPLAINTS)}


@dataclass(frozen=True)
class Judged:
    """One delivery's records, each in its first class: rejected, duplicate, or winner of its key."""

    read: int
    rejects: list[Reject]
    duplicates: list[Reject]
    winners: dict[Any, tuple[Version, Any]]
    keys: frozenset[Any]


@dataclass
class Progress:
    """The lake between two deliveries: the truth so far, what each key's accepted versions say, each day's keys."""

    truth: LakeTruth = field(default_factory=LakeTruth)
    accepted: dict[Any, dict[Version, Any]] = field(default_factory=dict)
    keys_of_day: dict[date, frozenset[Any]] = field(default_factory=dict)


def classify(
    deliveries: Sequence[LandedDelivery],
    dataset: str = "tickets",
    *,
    zone: str = "UTC",
    source_zone: str = "UTC",
    max_reject_ratio: str | float = "0.1",
    max_call_hours: str | float = "4",
) -> LakeTruth:
    """What the lake holds after these deliveries of a dataset, processed one at a time in the given order.

    `zone` is the business time zone, `source_zone` the one of times without an offset. Deliveries of other datasets are
    skipped. A day whose rejects are strictly more than `max_reject_ratio` of what was read is held back. Whole lists
    (agent_identity) must be given in the order of their days.
    """
    asked = DATASETS[dataset]
    ratio, call_hours = Fraction(str(max_reject_ratio)), Fraction(str(max_call_hours))
    rules = Rules(ZoneInfo(zone), ZoneInfo(source_zone), ratio, call_hours)
    progress = Progress()
    for delivery, modified in _with_modified([each for each in deliveries if each.dataset == dataset]):
        _process(progress, asked, delivery, modified, rules)
    progress.truth.rejects.sort()
    progress.truth.duplicates.sort()
    return progress.truth


def _with_modified(deliveries: Sequence[LandedDelivery]) -> Iterable[tuple[LandedDelivery, datetime]]:
    given = [each.modified for each in deliveries if each.modified is not None]
    if not given:
        start = datetime(1970, 1, 1, tzinfo=UTC)
        given = [start + timedelta(seconds=place) for place in range(len(deliveries))]
    if len(given) != len(deliveries):
        raise ValueError("give `modified` for all deliveries or for none")
    return zip(deliveries, given, strict=True)


def _process(progress: Progress, dataset: Dataset, delivery: LandedDelivery, modified: datetime, rules: Rules) -> None:
    truth, day = progress.truth, delivery.logical_date
    truth.figures.pop(day, None)
    truth.held_back.pop(day, None)
    truth.rejects = [each for each in truth.rejects if each.logical_date != day]
    truth.duplicates = [each for each in truth.duplicates if each.logical_date != day]
    try:
        records = read_records(delivery.path, dataset.columns, dataset.required)
    except UnreadableDelivery as unreadable:
        truth.held_back[day] = HeldBack(str(unreadable))
        return
    judged = _judge(records, dataset, delivery, modified, rules)
    truth.rejects += judged.rejects
    truth.duplicates += judged.duplicates
    if judged.read and Fraction(len(judged.rejects), judged.read) > rules.max_reject_ratio:
        truth.held_back[day] = HeldBack("reject_ratio", judged.read, len(judged.rejects))
        return
    if _claimed_twice(dataset, judged.winners):
        truth.held_back[day] = HeldBack("not_unique", judged.read, len(judged.rejects))
        return
    truth.figures[day] = _apply(progress, dataset, judged, day)
    truth.accepted_days.add(day)


def _judge(
    records: list[Record], dataset: Dataset, delivery: LandedDelivery, modified: datetime, rules: Rules
) -> Judged:
    day, file = delivery.logical_date, delivery.file
    rejects: list[Reject] = []
    passed: list[tuple[Version, Any, Any]] = []
    keys: set[Any] = set()
    for record in records:
        if record.cells is None:
            rejects.append(Reject(day, file, record.number, ("malformed_record",)))
            continue
        judgement = dataset.judge(record.cells, day, rules)
        keys |= {judgement.key} if judgement.key is not None else set()
        if judgement.reasons:
            rejects.append(Reject(day, file, record.number, judgement.reasons))
            continue
        version_at = judgement.version_at or end_of(day, rules.zone)
        version = Version(version_at, day, modified, file, record.number)
        passed.append((version, judgement.key, judgement.content))
    winners = {key: (version, content) for version, key, content in sorted(passed, key=lambda each: each[0])}
    duplicates = [
        Reject(day, file, version.row_number, ("duplicate_in_batch",))
        for version, key, _ in passed
        if winners[key][0] != version
    ]
    return Judged(len(records), rejects, duplicates, winners, frozenset(keys))


def _claimed_twice(dataset: Dataset, winners: Mapping[Any, tuple[Version, Any]]) -> bool:
    """Whether two rows have the same value in a column whose values are unique."""
    for column in dataset.unique:
        values = [value for _, content in winners.values() if (value := getattr(content, column)) is not None]
        if len(values) != len(set(values)):
            return True
    return False


def _apply(progress: Progress, dataset: Dataset, judged: Judged, day: date) -> Figures:
    """Take the winners into Silver; the day's figures."""
    classes = Counter(_take(progress, dataset, key, *winner) for key, winner in judged.winners.items())
    absent = progress.keys_of_day.get(day, frozenset()) - judged.keys
    progress.keys_of_day[day] = frozenset(judged.winners)
    gone = progress.truth.silver.keys() - judged.winners.keys() if dataset.replaces else set()
    for key in gone:
        del progress.truth.silver[key], progress.accepted[key]
    return Figures(
        read=judged.read,
        inserted=classes["inserted"],
        updated=classes["updated"],
        unchanged=classes["unchanged"],
        stale=classes["stale"],
        duplicates=len(judged.duplicates),
        rejected=len(judged.rejects),
        absent=0 if dataset.replaces else len(absent),
        deleted=len(gone),
    )


def _take(progress: Progress, dataset: Dataset, key: Any, version: Version, content: Any) -> str:
    """The class of a winner. An unchanged one leaves Silver's row and lineage alone, yet is the newest one accepted.

    A stale one never gives a row its values or its lineage; where what it says of a call's date changes the row all the
    same, it is an update. Where only that changes by which Silver knows the date, a newer version's lineage is taken.
    """
    silver, accepted = progress.truth.silver, progress.accepted.setdefault(key, {})
    stale = bool(accepted) and version < max(accepted)
    kept = dataset.beside([accepted[each] for each in sorted(accepted)]) if accepted else None
    accepted[version] = content
    said = [accepted[each] for each in sorted(accepted)]
    new, before = dataset.settle(said), silver.get(key)
    if before is None:
        silver[key] = SilverRow(new, version)
        return "inserted"
    changed = before.content != new
    if not stale and (changed or kept != dataset.beside(said)):
        silver[key] = SilverRow(new, version)
    elif changed:
        silver[key] = SilverRow(new, before.version)
    return "updated" if changed else "stale" if stale else "unchanged"
