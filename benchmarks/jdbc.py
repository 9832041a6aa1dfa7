"""The case of a large table: web complaints from a Postgres of this machine, to Silver, against Spark's own copy."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import commits
from benchmarks.comparison import Comparison, Target
from benchmarks.process import Timing
from benchmarks.workspace import PROJECT, tickets_of

if TYPE_CHECKING:
    from benchmarks.cases import Bench

DAY = "2024-12-31"
COMMAND = ("run", "--date", DAY, "--dataset", "web_complaints")
TABLE = 'customer_complaints."Web_form_request_2024_12_31"'
FILL = f"""
CREATE SCHEMA customer_complaints;
CREATE TABLE {TABLE} AS SELECT
    'WF' || lpad((n::bigint * 7919 %% 100000007)::text, 9, '0') AS request_id,
    'C' || lpad((n %% 90001)::text, 6, '0') AS customer_id,
    (ARRAY['Billing', 'Refunds', 'Network Failure', 'Delivery'])[1 + n %% 4] AS complaint_category,
    'CMP-' || lpad((n %% 40)::text, 3, '0') AS agent_id,
    (ARRAY['Resolved', 'Resolved', 'Backlog', 'In-Progress', 'Blocked'])[1 + n %% 5] AS resolution_status,
    timestamp '2024-12-31' + n %% 86400 * interval '1 second' AS request_date,
    CASE WHEN n %% 5 < 2 THEN timestamp '2024-12-31 02:00' + n %% 86400 * interval '1 second' END AS resolution_date,
    date '2024-12-31' AS web_form_generation_date
FROM generate_series(1, %s) AS n;
"""


def jdbc(bench: Bench, sizes: Sequence[str]) -> list[Comparison]:
    """A day of web complaints in one table, against Spark's own copy of that table to Delta.

    Two figures of the same runs: until Bronze has the table, which is what the copy does, and the whole run.
    """
    return [comparison for size in sizes for comparison in _jdbc(bench, size)]


def _jdbc(bench: Bench, size: str) -> list[Comparison]:
    with filled(tickets_of(size)):

        def ours(n: int) -> Timing:
            lake, landing = bench.space.scratch("lake"), bench.space.scratch("landing")
            log, began = f"jdbc-{size}-{n}", datetime.now(UTC)
            done = bench.engine(lake, landing, log, *COMMAND)
            until = {"bronze_seconds": _until_bronze(bench.space.log(log), began)}
            return replace(done, facts=commits.totals(commits.since(lake, {})) | until)

        def copy(n: int) -> Timing:
            lake = bench.space.scratch("lake")
            done = bench.peer(lake, f"jdbc-copy-{size}-{n}", "jdbc_copy", lake / "gold" / "copy", TABLE)
            return replace(done, facts=commits.totals(commits.since(lake, {})))

        peer, target = "Spark's JDBC copy", Target("ours / peer", 1.5)
        whole = Comparison("jdbc", size, "opslake run", peer, target).measure(ours, copy, bench.runs)
        kept = Comparison("jdbc", size, "opslake run, until Bronze has it", peer, target)
        kept.our_runs = [replace(run, seconds=run.facts["bronze_seconds"]) for run in whole.our_runs]
        kept.peer_runs = whole.peer_runs
        return [kept, whole]


def _until_bronze(log: Path, began: datetime) -> float:
    """Seconds from the process's start until its log says that Bronze has the delivery."""
    events = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{"))
    kept = next(event for event in events if event.get("event") == "bronze.kept")
    return round((datetime.fromisoformat(kept["timestamp"]) - began).total_seconds(), 3)


@contextmanager
def filled(rows: int) -> Iterator[None]:
    """A server with a table of so many rows, named in the environment of what is measured."""
    import psycopg

    script = PROJECT / "deploy" / "demo_postgres.sh"
    started = subprocess.run([script, "start"], check=True, capture_output=True, text=True).stdout.split()
    named = dict(pair.split("=", 1) for pair in started)
    folder, before = named.pop("FOLDER"), dict(os.environ)
    os.environ.update(named)
    try:
        user, password = named["WEB_COMPLAINTS_USER"], named["WEB_COMPLAINTS_PASSWORD"]
        with psycopg.connect(named["WEB_COMPLAINTS_URL"], user=user, password=password, autocommit=True) as connection:
            connection.execute((FILL % rows).encode())
            connection.execute("VACUUM ANALYZE")
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        subprocess.run([script, "stop", folder], check=True)
