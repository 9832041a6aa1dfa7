"""Customers of complaints are forgotten: facts stay, the star schema is what follows from them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.maintenance import maintain
from tests.e2e.complaints import complaint, deliver, differences, new_trial
from tests.e2e.test_forget import texts_of

DAY = date(2024, 3, 1)
GONE = ["Cust-7001", "Cust-7002"]
PERSONAL = r"Cust-700[12](?!\d)|Ann Example|ann@example[.]org|1980-02-03|1 Elm Street|Bea Sample|bea@example[.]org"


def places(lake: Path) -> set[str]:
    """The tables, or their logs, that say something of them."""
    files = [path for path in lake.rglob("*") if path.is_file() and path.suffix != ".crc"]
    found = [path.relative_to(lake).parts for path in files if re.search(PERSONAL, texts_of(path))]
    return {"/".join(parts[:3] if "_delta_log" in parts else parts[:2]) for parts in found}


@pytest.mark.slow
def test_forgotten_customers_are_nobody_in_facts_and_gone_elsewhere(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three customers over three channels; counts by day stay, and nobody hops channels in their place."""
    monkeypatch.setenv("FORGET_SECRET", "a secret of the test's own")
    trial = new_trial(spark, tmp_path / "trial", forget_key="env:FORGET_SECRET")
    call, web, social = (
        complaint(f"K{n}", who, at=f"2024-03-01 0{n}:00:00") for n, who in enumerate([*GONE, "Cust-70010"])
    )
    deliver(
        trial,
        DAY,
        call_logs=[call, complaint("K9", GONE[0], at="never"), f"K8,half of {GONE[1]}"],
        web_complaints=[web, complaint("W2", GONE[0], at="2024-03-01 11:00:00")],
        social_complaints=[social + ",Twitter"],
        customers=[
            f"{GONE[0]},Ann Example,f,1980-02-03,2020-01-01,ann@example.org,1 Elm Street",
            f"{GONE[1]},Bea Sample,f,1981-02-03,2020-01-01,bea@example.org,2 Elm Street",
            "Cust-70010,Cay Other,f,1982-02-03,2020-01-01,cay@example.org,3 Elm Street",
        ],
        complaint_agents=["a1,Agent,5,Texas"],
        complaint_categories=["Billing,Money,24"],
    )
    trial.run(accept_rejects=True)
    assert differences(trial) == []
    assert {"gold/fct_unified_complaints", "silver/customers", "exception/call_logs"} <= places(trial.lake)
    by_day = trial.rows("gold/complaint_backlog_daily")
    hopping = trial.rows("gold/channel_hopping_customers")
    assert [row["customer_id"] for row in hopping] == [GONE[0]]
    report, forgot = trial.pipeline(True).forget(GONE)
    assert report.exit_code == 0, report
    assert [line for line in differences(trial) if "channel_hopping" not in line] == []
    assert trial.rows("gold/channel_hopping_customers") == []
    assert trial.rows("gold/complaint_backlog_daily") == by_day
    assert {row["customer_id"] for row in trial.rows("gold/fct_unified_complaints")} == {"forgotten", "Cust-70010"}
    assert len(forgot.sources) == 3
    maintain(trial.pipeline(True), purge_history=True)
    assert places(trial.lake) == set()
    assert trial.run(accept_rejects=True).tables == []
