"""Instants of the sample (whole seconds since 1970, UTC), their local days, and the texts that sources write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from spark_jobs.errors import UsageError

DAY = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_QUARTER = 900  # no zone changes its offset inside a quarter of an hour


class Clock:
    """The source's zone: which day an instant falls on, and how the instant is written there."""

    def __init__(self, zone: str) -> None:
        """Take an IANA zone name; UsageError when there is no such zone."""
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise UsageError(
                "unknown time zone", where="zone", value=zone, hint="use an IANA name such as Europe/Berlin"
            ) from error
        self._offsets: dict[int, tuple[int, bool]] = {}
        self._dates: dict[int, tuple[str, str]] = {}
        self._times = tuple(f"{h:02d}:{m:02d}:{s:02d}" for h in range(24) for m in range(60) for s in range(60))

    def midnight(self, day: date) -> int:
        """The first instant of a local day."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp())

    def instant(self, day: date, second: int) -> int:
        """The instant of a wall time, in seconds of its day: the earlier offset in an hour that occurs twice."""
        hour, rest = divmod(second, 3600)
        wall = datetime(day.year, day.month, day.day, hour, rest // 60, rest % 60, tzinfo=self._zone)
        return int(wall.timestamp())

    def second(self, instant: int) -> int:
        """The wall time of an instant, in seconds of its local day."""
        return (instant + self._offset(instant)[0]) % DAY

    def time(self, instant: int) -> str:
        """`HH:mm:ss` in local time, without saying which when the local time occurs twice."""
        return self._times[self.second(instant)]

    def day_of(self, instant: int) -> date:
        """The local day of an instant."""
        return date.fromordinal(self.ordinal(instant))

    def ordinal(self, instant: int) -> int:
        """The local day of an instant, as `date.toordinal` counts."""
        return (instant + self._offset(instant)[0]) // DAY + _EPOCH_ORDINAL

    def plain(self, instant: int) -> str:
        """`yyyy-MM-dd HH:mm:ss` in local time; ISO 8601 with an offset where the local time occurs a second time."""
        offset, second_time = self._offset(instant)
        if second_time:
            return self.iso(instant)
        day, second = divmod(instant + offset, DAY)
        return f"{self._date_texts(day)[0]} {self._times[second]}"

    def short(self, instant: int) -> str:
        """`M/d/yy H:mm` in local time, for instants of whole minutes; ISO 8601 where the local time is ambiguous."""
        offset, second_time = self._offset(instant)
        if second_time:
            return self.iso(instant)
        day, second = divmod(instant + offset, DAY)
        return f"{self._date_texts(day)[1]} {second // 3600}:{second // 60 % 60:02d}"

    def american(self, instant: int) -> str:
        """`M/d/yyyy H:mm:ss` in local time; ISO 8601 with an offset where the local time occurs a second time."""
        offset, second_time = self._offset(instant)
        if second_time:
            return self.iso(instant)
        day, second = divmod(instant + offset, DAY)
        month_and_day, _, year = self._date_texts(day)[1].rpartition("/")
        return f"{month_and_day}/{self._date_texts(day)[0][:2]}{year} {second // 3600}{self._times[second][2:]}"

    def iso(self, instant: int) -> str:
        """ISO 8601 with the local offset, `Z` for none."""
        offset = self._offset(instant)[0]
        day, second = divmod(instant + offset, DAY)
        sign, minutes = ("+" if offset >= 0 else "-"), abs(offset) // 60
        suffix = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if offset else "Z"
        return f"{self._date_texts(day)[0]}T{self._times[second]}{suffix}"

    def utc(self, instant: int) -> str:
        """ISO 8601 in UTC: the canonical text of the truth files."""
        day, second = divmod(instant, DAY)
        return f"{self._date_texts(day)[0]}T{self._times[second]}Z"

    def _offset(self, instant: int) -> tuple[int, bool]:
        quarter = instant // _QUARTER
        known = self._offsets.get(quarter)
        if known is None:
            local = datetime.fromtimestamp(quarter * _QUARTER, tz=UTC).astimezone(self._zone)
            if len(self._offsets) > 50_000:  # a long history must not fill the memory
                self._offsets.clear()
            known = self._offsets[quarter] = (int((local.utcoffset() or timedelta()).total_seconds()), local.fold == 1)
        return known

    def _date_texts(self, day: int) -> tuple[str, str]:
        known = self._dates.get(day)
        if known is None:
            d = date.fromordinal(day + _EPOCH_ORDINAL)
            known = self._dates[day] = (d.isoformat(), f"{d.month}/{d.day}/{d.year % 100:02d}")
        return known
