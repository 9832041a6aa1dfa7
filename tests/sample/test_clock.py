from __future__ import annotations

from datetime import UTC, date, datetime

from spark_jobs.sample.clock import Clock


def instant(text: str) -> int:
    """Seconds since 1970 of an ISO text in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_local_time_that_occurs_a_second_time_is_written_with_its_offset() -> None:
    """Berlin, 2025-10-26: 02:30 comes at 00:30 and at 01:30 UTC; without an offset the first is meant."""
    clock = Clock("Europe/Berlin")
    assert clock.plain(instant("2025-10-26T00:30:00")) == "2025-10-26 02:30:00"
    assert clock.plain(instant("2025-10-26T01:30:00")) == "2025-10-26T02:30:00+01:00"
    assert clock.short(instant("2025-10-26T00:30:00")) == "10/26/25 2:30"
    assert clock.short(instant("2025-10-26T01:30:00")) == "2025-10-26T02:30:00+01:00"


def test_an_instant_falls_on_the_day_of_its_zone() -> None:
    """Half past eleven at night in UTC is the next day in Berlin and still the same in UTC."""
    late = instant("2025-07-01T23:30:00")
    assert (Clock("Europe/Berlin").day_of(late), Clock("UTC").day_of(late)) == (date(2025, 7, 2), date(2025, 7, 1))


def test_a_day_of_a_zone_begins_at_its_own_midnight() -> None:
    """New York's 2025-01-06 begins at 05:00 UTC."""
    assert Clock("America/New_York").midnight(date(2025, 1, 6)) == instant("2025-01-06T05:00:00")


def test_iso_texts_carry_the_offset() -> None:
    """Z for none, half hours too, and minutes west of Greenwich."""
    noon = instant("2025-01-06T12:00:00")
    assert Clock("UTC").iso(noon) == "2025-01-06T12:00:00Z"
    assert Clock("Asia/Kolkata").iso(noon) == "2025-01-06T17:30:00+05:30"
    assert Clock("America/St_Johns").iso(noon) == "2025-01-06T08:30:00-03:30"
