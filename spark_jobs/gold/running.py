"""Running balances over every calendar day, from rows that exist only on days with a flow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame

from spark_jobs.gold.measures import day


def running_balance(
    flows: DataFrame, keys: Sequence[str], *, horizon: date, settled_days: bool = True, also: Sequence[str] = ()
) -> DataFrame:
    """Rows of `ops_date`, `keys`, `opened`, `closed`, `balance` for each day from a key's first flow to the horizon.

    `flows` has one row per `ops_date` and `keys` with bigint `opened` and `closed`, none past the horizon. A day
    without a flow carries the balance of the day before; with `settled_days` False it is left out while that is 0.
    `also` are further bigint columns, 0 on a day without a flow.
    Each flow spreads itself up to the next one, so that neither a calendar nor a join is needed.
    """
    partition = f"PARTITION BY {', '.join(keys)} " if keys else ""
    over = f"OVER ({partition}ORDER BY ops_date"
    balanced = flows.selectExpr(
        *keys,
        "ops_date AS flow_date",
        "opened",
        "closed",
        *also,
        f"sum(opened - closed) {over} ROWS UNBOUNDED PRECEDING) AS balance",
        f"date_sub(lead(ops_date, 1, {day(horizon + timedelta(days=1))}) {over}), 1) AS last_date",
    )
    last = "last_date" if settled_days else "if(balance = 0, flow_date, last_date)"
    return balanced.selectExpr("*", f"explode(sequence(flow_date, {last})) AS ops_date").selectExpr(
        "ops_date",
        *keys,
        "if(ops_date = flow_date, opened, 0L) AS opened",
        "if(ops_date = flow_date, closed, 0L) AS closed",
        "balance",
        *(f"if(ops_date = flow_date, {name}, 0L) AS {name}" for name in also),
    )
