"""A series of deliveries, one after the other, as the lake must hold them in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.oracle.model import Figures, HeldBack, LakeTruth, LandedDelivery, Reject, SilverRow, SilverTicket, Version
from tests.oracle.reasons import COLUMNS, REQUIRED, read_candidate, reasons_against, ticket_of
from tests.oracle.records import Record, UnreadableDelivery, read_records
from tests.oracle.values import end_of


@dataclass(frozen=True)
class Rules:
    """The settings under which deliveries are judged."""

    zone: ZoneInfo
    source_zone: ZoneInfo
    max_reject_ratio: Fraction


@dataclass(frozen=True)
class Judged:
    """One delivery's records, each in its first class: rejected, duplicate, or winner of its key."""

    read: int
    rejects: list[Reject]
    duplicates: list[Reject]
    winners: dict[str, SilverRow]
    keys: frozenset[str]


@dataclass
class Progress:
    """The lake between two deliveries: the truth so far, the newest accepted version of each key, each day's keys."""

    truth: LakeTruth = field(default_factory=LakeTruth)
    newest: dict[str, Version] = field(default_factory=dict)
    keys_of_day: dict[date, frozenset[str]] = field(default_factory=dict)


def classify(
    deliveries: Sequence[LandedDelivery],
    *,
    zone: str = "UTC",
    source_zone: str = "UTC",
    max_reject_ratio: str | float = "0.1",
) -> LakeTruth:
    """What the lake holds after these deliveries of tickets, processed one at a time in the given order.

    `zone` is the business time zone, `source_zone` the one of times without an offset. Deliveries of other datasets are
    skipped. A day whose rejects are strictly more than `max_reject_ratio` of what was read is held back.
    """
    rules = Rules(ZoneInfo(zone), ZoneInfo(source_zone), Fraction(str(max_reject_ratio)))
    progress = Progress()
    for delivery, modified in _with_modified([each for each in deliveries if each.dataset == "tickets"]):
        _process(progress, delivery, modified, rules)
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


def _process(progress: Progress, delivery: LandedDelivery, modified: datetime, rules: Rules) -> None:
    truth, day = progress.truth, delivery.logical_date
    truth.figures.pop(day, None)
    truth.held_back.pop(day, None)
    truth.rejects = [each for each in truth.rejects if each.logical_date != day]
    truth.duplicates = [each for each in truth.duplicates if each.logical_date != day]
    try:
        records = read_records(delivery.path, COLUMNS, REQUIRED)
    except UnreadableDelivery as unreadable:
        truth.held_back[day] = HeldBack(str(unreadable))
        return
    judged = _judge(records, delivery, modified, rules)
    truth.rejects += judged.rejects
    truth.duplicates += judged.duplicates
    if judged.read and Fraction(len(judged.rejects), judged.read) > rules.max_reject_ratio:
        truth.held_back[day] = HeldBack("reject_ratio", judged.read, len(judged.rejects))
        return
    truth.figures[day] = _apply(progress, judged, day)
    truth.accepted_days.add(day)


def _judge(records: list[Record], delivery: LandedDelivery, modified: datetime, rules: Rules) -> Judged:
    day, file = delivery.logical_date, delivery.file
    rejects: list[Reject] = []
    passed: list[tuple[SilverTicket, Version]] = []
    keys: set[str] = set()
    for record in records:
        if record.cells is None:
            rejects.append(Reject(day, file, record.number, ("malformed_record",)))
            continue
        candidate = read_candidate(record.cells, rules.source_zone)
        keys |= {candidate.ticket_id} if candidate.ticket_id else set()
        reasons = reasons_against(candidate, day, rules.zone)
        if reasons:
            rejects.append(Reject(day, file, record.number, reasons))
            continue
        version_at = candidate.updated.at or end_of(day, rules.zone)
        passed.append((ticket_of(candidate, rules.zone), Version(version_at, day, modified, file, record.number)))
    winners = {ticket.ticket_id: SilverRow(ticket, version) for ticket, version in sorted(passed, key=lambda p: p[1])}
    duplicates = [
        Reject(day, file, version.row_number, ("duplicate_in_batch",))
        for ticket, version in passed
        if winners[ticket.ticket_id].version != version
    ]
    return Judged(len(records), rejects, duplicates, winners, frozenset(keys))


def _apply(progress: Progress, judged: Judged, day: date) -> Figures:
    """Take the winners into Silver; the day's figures."""
    classes = Counter(_take(progress, key, row) for key, row in judged.winners.items())
    absent = progress.keys_of_day.get(day, frozenset()) - judged.keys
    progress.keys_of_day[day] = frozenset(judged.winners)
    return Figures(
        read=judged.read,
        inserted=classes["inserted"],
        updated=classes["updated"],
        unchanged=classes["unchanged"],
        stale=classes["stale"],
        duplicates=len(judged.duplicates),
        rejected=len(judged.rejects),
        absent=len(absent),
    )


def _take(progress: Progress, key: str, row: SilverRow) -> str:
    """The class of a winner. An unchanged one leaves Silver's row and lineage alone, yet is the newest one accepted."""
    silver = progress.truth.silver
    newest = progress.newest.get(key)
    if newest is not None and row.version < newest:
        return "stale"
    progress.newest[key] = row.version
    if newest is None:
        silver[key] = row
        return "inserted"
    if silver[key].ticket == row.ticket:
        return "unchanged"
    silver[key] = row
    return "updated"
