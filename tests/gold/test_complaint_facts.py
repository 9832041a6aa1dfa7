"""Facts of complaints: one shape for every channel, and when a complaint counts as resolved."""

from __future__ import annotations

import hashlib

import pytest
from pyspark.sql import SparkSession

from spark_jobs.gold.complaint_facts import (
    fct_call_complaints,
    fct_social_complaints,
    fct_unified_complaints,
    fct_web_complaints,
)
from tests.gold.complaints import Said, channels
from tests.gold.frames import shown

RESOLVED = {"resolution_status": "Resolved"}


def test_every_channel_has_one_shape(spark: SparkSession) -> None:
    """The same id on two channels is two complaints; only calls have a length, only social media a medium."""
    frames = channels(
        spark,
        {"at": "2024-03-01 08:00:00", "call_id": "7", "duration_seconds": "90"},
        {"at": "2024-03-01 09:00:00", "of": "web_complaints", "request_id": "7", "complaint_category": None},
        {"at": "2024-03-01 10:00:00", "of": "social_complaints", "complaint_id": "8", "media_channel": "Clicks"},
    )
    names = ("channel", "source_id", "media_channel", "category", "duration_seconds", "complaint_pk")

    def key(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    assert shown(fct_unified_complaints(*frames, zone="UTC"), *names) == [
        ("Call", "7", None, "Billing", "90", key("Call\u001f7")),
        ("Social", "8", "Clicks", "Billing", "0", key("Social\u001f8")),
        ("Web", "7", None, None, "0", key("Web\u001f7")),
    ]


def test_an_agent_that_is_missing_is_the_unassigned_one(spark: SparkSession) -> None:
    """Also where a contract of one's own leaves it null."""
    calls, web, social = channels(spark, {"at": "2024-03-01 08:00:00", "agent_id": None})
    assert shown(fct_call_complaints(calls, zone="UTC"), "agent_id") == [("-1",)]
    assert shown(fct_unified_complaints(calls, web, social, zone="UTC"), "agent_id") == [("-1",)]


@pytest.mark.parametrize(
    ("said", "at", "on", "hours"),
    [
        ({**RESOLVED, "until": "2024-03-02 02:30:00"}, "2024-03-02 02:30:00", "2024-03-02", "18.5000"),
        ({**RESOLVED}, "2024-03-02 05:00:00", "2024-03-01", "21.0000"),
        ({**RESOLVED, "_logical_date": "2024-03-03"}, "2024-03-04 05:00:00", "2024-03-03", "69.0000"),
        ({**RESOLVED, "_logical_date": "2024-02-28"}, "2024-03-01 08:00:00", "2024-03-01", "0.0000"),
        ({"until": "2024-03-02 02:30:00"}, None, None, None),
    ],
    ids=["with a date", "without: the logical date's end", "of a later delivery", "of an earlier one", "not resolved"],
)
def test_when_a_complaint_is_resolved(
    spark: SparkSession, said: Said, at: str | None, on: str | None, hours: str | None
) -> None:
    """A resolved one at its date, else at its delivery's end in business time (UTC-5), never before it was made."""
    calls, web, social = channels(
        spark,
        {"at": "2024-03-01 08:00:00", **said},
        {"at": "2024-03-01 08:00:00", "of": "web_complaints", **said},
    )
    zone = "America/Bogota"
    names = ("resolved_at", "resolved_date", "resolution_hours")
    assert shown(fct_call_complaints(calls, zone=zone), *names) == [(at, on, hours)]
    assert shown(fct_web_complaints(web, zone=zone), *names) == [(at, on, hours)]
    assert shown(fct_unified_complaints(calls, web, social, zone=zone), *names) == [(at, on, hours)] * 2


def test_a_call_without_an_end_has_no_duration(spark: SparkSession) -> None:
    """It isn't 0: that is what a channel has that knows no durations."""
    calls, _, social = channels(
        spark, {"at": "2024-03-01 08:00:00"}, {"at": "2024-03-01 08:00:00", "of": "social_complaints"}
    )
    assert shown(fct_call_complaints(calls, zone="UTC"), "duration_seconds") == [(None,)]
    assert shown(fct_social_complaints(social, zone="UTC"), "duration_seconds") == [("0",)]


def test_facts_have_exactly_their_columns_in_their_types(spark: SparkSession) -> None:
    """Readers elsewhere rely on names, order and types."""
    calls, web, social = channels(spark)
    shared = (
        "customer_id string, agent_id string, category string, status string, requested_at timestamp, "
        "resolved_at timestamp, resolution_hours decimal(18,4), duration_seconds bigint, request_date date, "
        "resolved_date date"
    )
    lineage = (
        "_version_at timestamp, _source_file string, _file_modified timestamp, _row_number bigint, _delivery string, "
        "_logical_date date, _load_time timestamp, _ingested_at timestamp, _run_id string"
    )
    for frame, own, more in (
        (fct_call_complaints(calls, zone="UTC"), "call_id string", ", generated_date date"),
        (fct_web_complaints(web, zone="UTC"), "request_id string", ", generated_date date"),
        (
            fct_social_complaints(social, zone="UTC"),
            "complaint_id string, media_channel string",
            ", generated_date date",
        ),
        (
            fct_unified_complaints(calls, web, social, zone="UTC"),
            "complaint_pk string, channel string, source_id string, media_channel string",
            "",
        ),
    ):
        assert ", ".join(f"{name} {kind}" for name, kind in frame.dtypes) == f"{own}, {shared}{more}, {lineage}"
