"""`agent_activity_intervals`: each extension's productive time by half hours of business time.

Whole seconds throughout: an instant counts as the second in which it lies, so that states that follow on each other
leave no gap and no overlap. A half hour is one of wall clock. No zone has moved its clocks by other than half hours
in this century, so half hours follow on each other evenly across clock changes too: the second 01:00 of a night that
has two is an interval of its own with the same label.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import by_date, table
from spark_jobs.gold.measures import columns, end_of, literals, up_to

HALF_HOUR = "1800L"
LABELS = literals([f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 24 * 60, 30)])
NEXT = "lead(done_on) OVER (PARTITION BY extension ORDER BY done_on, action_rank, details)"
# Ten-thousandths of an hour, half up, in whole numbers: rows are many here, and a division of decimals is slow.
HOURS = "CAST(CAST((productive_seconds * 10000L + 1800L) DIV 3600L AS DECIMAL(10)) * 0.0001BD AS DECIMAL(6,4))"


@table(
    grain=["extension", "interval_start"],
    slices=by_date(
        "ops_date",
        moved_by={"agent_events": ["ops_date"]},
        look_back="max_state_hours",
        look_ahead="max_state_hours",
    ),
)
def agent_activity_intervals(
    agent_events: DataFrame, agent_identity: DataFrame, *, horizon: date, zone: str, max_state_hours: float
) -> DataFrame:
    """One row per extension and half hour with an event or productive time; `interval_start` is an instant.

    A state lasts until the extension's next event, at most `max_state_hours`, and not past the horizon's end.
    """
    spread = (
        _states(agent_events.where(up_to("ops_date", horizon)), horizon, zone, max_state_hours)
        .selectExpr("*", f"explode(sequence(first, greatest(first, ended - 1), {HALF_HOUR})) AS at")
        .groupBy("extension", "at")
        .agg(
            *columns(
                f"sum(least(ended, at + {HALF_HOUR}) - greatest(started, at)) AS productive_seconds",
                "sum(if(at = first, 1L, 0L)) AS events",
            )
        )
    )
    known = agent_identity.where("extension IS NOT NULL").select("extension", "agent_id")
    named = spread.join(F.broadcast(known), "extension", "left")
    wall = _wall("timestamp_seconds(at)", zone)
    return named.selectExpr(
        "extension",
        "timestamp_seconds(at) AS interval_start",
        f"to_date({wall}) AS ops_date",
        f"element_at({LABELS}, CAST(pmod(unix_seconds({wall}), 86400L) DIV {HALF_HOUR} AS INT) + 1) AS interval_label",
        "productive_seconds",
        f"{HOURS} AS productive_hours",
        "events",
        "coalesce(agent_id, concat('extension:', extension)) AS agent_id",
    )


def _states(events: DataFrame, horizon: date, zone: str, max_state_hours: float) -> DataFrame:
    """One row per event, in seconds since 1970: its state's start and end, and the start of its half hour, `first`.

    A state that isn't productive ends where it starts.
    """
    longest = round(max_state_hours * 3600)
    followed = events.selectExpr("extension", "done_on", "is_productive", f"{NEXT} AS next_on")
    timed = followed.selectExpr(
        "extension",
        "unix_seconds(done_on) AS started",
        f"unix_seconds(done_on) - pmod(unix_seconds({_wall('done_on', zone)}), {HALF_HOUR}) AS first",
        "unix_seconds(next_on) AS next",
        "is_productive",
    )
    end = f"least(next, started + {longest}L, unix_seconds({end_of(horizon, zone)}))"
    return timed.selectExpr("extension", "started", "first", f"if(is_productive, {end}, started) AS ended")


def _wall(instant: str, zone: str) -> str:
    """What the business clock shows at an instant."""
    return instant if zone == "UTC" else f"from_utc_timestamp({instant}, '{zone}')"
