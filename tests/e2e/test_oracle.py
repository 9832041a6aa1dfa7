"""The same deliveries through the engine and through the independent calculation, in three business time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from spark_jobs.sample import DATASETS, Truth, write_sample
from tests.e2e.trial import Trial, of_gold, of_loading, ticket
from tests.oracle import DOMAINS

START = date(2025, 3, 6)
"""New York's clocks go forward on the 9th, a day of 23 hours; Kolkata is half an hour off the hours of UTC."""
DAYS = 6
LAST = START + timedelta(days=DAYS)
SEEDS = {"UTC": 3, "Asia/Kolkata": 4, "America/New_York": 6}
DRIVER_ROWS = {"UTC": 10_000, "Asia/Kolkata": 0, "America/New_York": 60}
"""Few rows are compared and committed on the driver, more by Spark: one lake each way, one both ways."""
CALLS_HEADER = "call_id,caller_id,agent_id,call_start_time,call_end_time,call_status,call_date"
OTHERS = ("calls", "agent_events", "agent_identity")
LISTS = ("agents_master", "agent_identity")
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


def calls_around_midnight() -> list[str]:
    """Calls over each midnight; bare and full times, with and without a date, all in UTC."""
    records = []
    for n, at in enumerate(MIDNIGHTS):
        day = f"2025-03-{8 + n % 3:02d}"
        ends_on = f"2025-03-{9 + n % 3:02d}" if at.startswith("23") else day
        later = f"{(int(at[:2]) + 2) % 24:02d}{at[2:]}"
        times = (
            (at, later),
            (f"{day} {at}", later),
            (f"{day}T{at}Z", f"{ends_on} {later}"),
            (at, f"{ends_on} {later}"),
        )
        for place, (start, end) in enumerate(times):
            given = day if place == 3 or (place == 0 and n % 2) else ""
            records.append(f"{10 * n + place + 1},77,50{n},{start},{end},COMPLETED,{given}")
    return records


def events_around_midnight() -> list[str]:
    """An extension that comes and goes around each midnight, days late, and one that forgets to go."""
    told = [
        f"{day} {at},9001,{'ONLINE' if n % 2 else 'OFFLINE'},{'Backoffice' if n % 4 == 0 else ''}"
        for day in ("2025-03-08", "2025-03-09", "2025-03-10")
        for n, at in enumerate(MIDNIGHTS)
    ]
    return [*told, "2025-03-08 21:10:20,9002,REMVCEON,"]


class Compared:
    """A dirty sample of six days and a day around midnight, in two runs: one day comes late, another one twice.

    Of tickets the fourth day is late and the fifth corrected; of the other datasets what their sample has corrected.
    """

    def __init__(self, trial: Trial, zone: str) -> None:
        out = trial.folder / "sample"
        self.trial = trial
        self.sample = write_sample(out, start=START, days=DAYS, tickets_per_day=12, seed=SEEDS[zone])
        (correction,) = self.sample.corrections()
        second = [path for dataset in DATASETS for path in self._deliver(self.sample, dataset)]
        self.first = trial.run(end=correction.logical_date)
        self.differences_of_the_first = [*of_loading(trial, trial.truth()), *of_gold(trial)]
        for dataset, day, path in second:
            self._put(dataset, day, path)
        trial.deliver(LAST, *around_midnight())
        trial.deliver(LAST, *calls_around_midnight(), dataset="calls", header=CALLS_HEADER)
        trial.deliver(
            LAST, *events_around_midnight(), dataset="agent_events", header="Done On,Extension,Action,Details"
        )
        self.second = trial.run()

    def _deliver(self, sample: Truth, dataset: str) -> list[tuple[str, date, str]]:
        """Put what the first run finds, and say what comes before the second one, in the order of arrival.

        Of several whole lists a run loads only the last, so that each run gets one.
        """
        corrected = {each.logical_date: each.earlier_path for each in sample.corrections(dataset)}
        late, afterwards = START + timedelta(days=1 if START + timedelta(days=3) in corrected else 3), []
        for day in sample.days(dataset):
            path = corrected.get(day.logical_date)
            held = day.logical_date in (late, START + timedelta(days=5))
            held = held or (dataset in LISTS and day.logical_date > START)
            if path is not None or held:
                afterwards.append((dataset, day.logical_date, day.path))
            if not held:
                self._put(dataset, day.logical_date, path or day.path)
        return afterwards

    def _put(self, dataset: str, day: date, path: str) -> None:
        file = self.trial.folder / "sample" / path
        modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        self.trial.put(day, file.read_bytes(), dataset=dataset, suffix="".join(file.suffixes), modified=modified)


ZONES = ["UTC", *(pytest.param(zone, marks=pytest.mark.slow) for zone in SEEDS if zone != "UTC")]


@pytest.fixture(scope="module", params=ZONES)
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
    assert {name for name in DOMAINS["tickets"].grains if not compared.trial.rows(f"gold/{name}")} == set()
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


@pytest.mark.parametrize("dataset", OTHERS)
def test_the_other_datasets_agree_with_their_lineage_too(compared: Compared, dataset: str) -> None:
    """Per day, per record, and per call, event or agent."""
    truth = compared.trial.truth(dataset=dataset)
    assert truth.silver
    assert of_loading(compared.trial, truth, dataset) == []


@pytest.mark.parametrize("domain", sorted(DOMAINS.keys() - {"tickets"}))
def test_the_gold_of_the_other_domains_agrees_row_for_row(compared: Compared, domain: str) -> None:
    """Calls counted again, productive time looked at second by second, both from the calculation's own Silver."""
    truths = {name: compared.trial.truth(dataset=name) for name in DOMAINS[domain].inputs}
    silver = {name: truth.silver_rows() for name, truth in truths.items()}
    assert {name for name in DOMAINS[domain].grains if not compared.trial.rows(f"gold/{name}")} == set()
    assert of_gold(compared.trial, truths[DOMAINS[domain].dataset].horizon, silver, domain) == []
