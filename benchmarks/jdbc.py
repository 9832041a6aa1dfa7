"""The case of a large table: web complaints from a Postgres of this machine, to Silver, against Spark's own copy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks import commits
from benchmarks.comparison import Comparison, Target
from benchmarks.process import Timing
from benchmarks.workspace import PROJECT, tickets_of

if TYPE_CHECKING:
    from benchmarks.cases import Bench

DAY = "2024-12-31"
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
    """A day of web complaints in one table, against Spark's own copy of that table to Delta."""
    return [_jdbc(bench, size) for size in sizes]


def _jdbc(bench: Bench, size: str) -> Comparison:
    with _filled(tickets_of(size)):

        def ours(n: int) -> Timing:
            lake, landing = bench.space.scratch("lake"), bench.space.scratch("landing")
            command = ("run", "--date", DAY, "--dataset", "web_complaints")
            done = bench.engine(lake, landing, f"jdbc-{size}-{n}", *command)
            return replace(done, facts=commits.totals(commits.since(lake, {})))

        def copy(n: int) -> Timing:
            lake = bench.space.scratch("lake")
            done = bench.peer(lake, f"jdbc-copy-{size}-{n}", "jdbc_copy", lake / "gold" / "copy", TABLE)
            return replace(done, facts=commits.totals(commits.since(lake, {})))

        asked = Comparison("jdbc", size, "opslake run", "Spark's JDBC copy", Target("ours / peer", 1.5))
        return asked.measure(ours, copy, bench.runs)


@contextmanager
def _filled(rows: int) -> Iterator[None]:
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
