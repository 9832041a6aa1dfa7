"""The same deliveries through the engine and through the independent calculation, in three business time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from spark_jobs.sample import write_sample
from tests.e2e.trial import Trial, of_gold, of_loading, ticket
from tests.oracle import GRAINS

START = date(2025, 3, 6)
"""New York's clocks go forward on the 9th, a day of 23 hours; Kolkata is half an hour off the hours of UTC."""
DAYS = 6
LAST = START + timedelta(days=DAYS)
SEEDS = {"UTC": 3, "Asia/Kolkata": 4, "America/New_York": 6}
DRIVER_ROWS = {"UTC": 10_000, "Asia/Kolkata": 0, "America/New_York": 60}
"""Few rows are compared and committed on the driver, more by Spark: one lake each way, one both ways."""
MIDNIGHTS = ("03:59:59", "04:00:00", "04:59:59", "05:00:00", "18:29:59", "18:30:00", "23:59:59", "00:00:00")
"""Around business midnight: New York in summer and in winter, Kolkata, UTC; all written in UTC."""


def around_midnight() -> list[str]:
    """Tickets whose creation, end and due time lie on both sides of each zone's midnights and of the clock's change."""
    records = []
    for day in ("2025-03-08", "2025-03-09", "2025-03-10"):
        for n, at in enumerate(MIDNIGHTS):
            later = MIDNIGHTS[(n + 3) % len(MIDNIGHTS)]
            end = f"2025-03-11 {later}" if n % 2 else ""
            records.append(
                ticket(
                    f"M{day[-2:]}{n}",
                    created_at=f"{day} {at}",
                    resolved_at=end,
                    sla_hours=("24", "23", "0.01", "48.5")[n % 4],
                    priority=("Low", "Medium", "High", "Critical")[n % 4],
                    category=("", "Login", "Billing")[n % 3],
                    agent_id=("", "a1", "a2")[n % 3],
                    updated_at=f"2025-03-12 {at}",
                )
            )
    return records


class Compared:
    """A dirty sample of six days and a day of tickets around midnight, in two runs: day 3 comes late, day 4 twice."""

    def __init__(self, trial: Trial, zone: str) -> None:
        out = trial.folder / "sample"
        truth = write_sample(out, start=START, days=DAYS, tickets_per_day=12, seed=SEEDS[zone])
        (correction,) = truth.corrections()
        days = {day.logical_date: day.path for day in truth.days()}
        late = START + timedelta(days=3)
        self.trial = trial
        for day, path in days.items():
            if day not in (late, START + timedelta(days=5)):
                self._put(day, correction.earlier_path if day == correction.logical_date else path)
        self.first = trial.run(end=correction.logical_date)
        self.differences_of_the_first = [*of_loading(trial, trial.truth()), *of_gold(trial)]
        for day in (late, correction.logical_date, START + timedelta(days=5)):
            self._put(day, days[day])
        trial.deliver(LAST, *around_midnight())
        self.second = trial.run()

    def _put(self, day: date, path: str) -> None:
        file = self.trial.folder / "sample" / path
        modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        self.trial.put(day, file.read_bytes(), suffix="".join(file.suffixes), modified=modified)


@pytest.fixture(scope="module", params=SEEDS)
def compared(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """One lake a zone, made once for this file."""
    zone = str(request.param)
    folder = tmp_path_factory.mktemp("oracle")
    options = {"today": LAST + timedelta(days=1), "driver_rows": DRIVER_ROWS[zone]}
    return Compared(Trial(spark, folder, zone, options), zone)


def test_the_deliveries_exercise_the_rules(compared: Compared) -> None:
    """Rejects, duplicates, stale, unchanged and updated rows, and every Gold table has rows."""
    figures = compared.trial.figures().values()
    for name in ("rejected", "duplicates", "unchanged", "updated", "stale"):
        assert sum(day[name] for day in figures), name
    assert {name for name in GRAINS if not compared.trial.rows(f"gold/{name}")} == set()
    assert compared.second.exit_code == 0


def test_figures_exceptions_and_silver_with_lineage_agree(compared: Compared) -> None:
    """Per day, per record and per ticket."""
    assert of_loading(compared.trial, compared.trial.truth()) == []


def test_every_gold_table_agrees_row_for_row(compared: Compared) -> None:
    """From the independent calculation's own Silver, not from the engine's."""
    truth = compared.trial.truth()
    assert of_gold(compared.trial, truth.horizon, truth.silver_rows()) == []


def test_the_lake_agreed_after_the_first_run_too(compared: Compared) -> None:
    """With a day missing and another one still wrong."""
    assert compared.differences_of_the_first == []
