"""Backlog, durations, and customers who try another channel."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from spark_jobs.gold.channel_hopping_customers import channel_hopping_customers
from spark_jobs.gold.complaint_backlog_daily import complaint_backlog_daily, complaint_flow_daily
from spark_jobs.gold.complaint_duration_by_category import complaint_duration_by_category
from tests.gold.complaints import Said, channels
from tests.gold.frames import shown

HORIZON = date(2024, 3, 3)
RESOLVED = {"resolution_status": "Resolved"}


def test_the_backlog_of_a_day_is_what_was_opened_and_not_resolved_up_to_it(spark: SparkSession) -> None:
    """Two calls, one of which is resolved a day later, and a web form without a category; the third day is quiet."""
    frames = channels(
        spark,
        {"at": "2024-03-01 08:00:00", "until": "2024-03-02 01:00:00", **RESOLVED},
        {"at": "2024-03-01 09:00:00"},
        {"at": "2024-03-01 09:30:00", "resolution_status": "Blocked"},
        {"at": "2024-03-02 09:00:00", "of": "web_complaints", "complaint_category": None},
        {"at": "2024-03-04 09:00:00", "of": "social_complaints"},
    )

    flow = complaint_flow_daily(*frames, horizon=HORIZON, zone="UTC")

    assert shown(complaint_backlog_daily(flow, horizon=HORIZON)) == [
        ("2024-03-01", "Billing", "Call", "3", "0", "3", "0.3333"),
        ("2024-03-02", "Billing", "Call", "0", "1", "2", None),
        ("2024-03-02", None, "Web", "1", "0", "1", "1.0000"),
        ("2024-03-03", "Billing", "Call", "0", "0", "2", None),
        ("2024-03-03", None, "Web", "0", "0", "1", None),
    ]


def test_durations_of_a_day_are_of_what_was_made_on_it(spark: SparkSession) -> None:
    """0, 1 and 9 hours: a mean of 3.3333; 0.9 x 2 = 1.8 steps up is 1 + 0.8 x 8 = 7.4. Calls of 60 and 90 s; one has no
    end. A web form counts no minutes, and is resolved after the horizon all the same."""
    frames = channels(
        spark,
        {"at": "2024-03-01 08:00:00", "until": "2024-03-01 08:00:00", "duration_seconds": "60", **RESOLVED},
        {"at": "2024-03-01 08:00:00", "until": "2024-03-01 09:00:00", "duration_seconds": "90", **RESOLVED},
        {"at": "2024-03-01 08:00:00"},
        {"at": "2024-03-01 23:00:00", "of": "web_complaints", "until": "2024-03-02 08:00:00", **RESOLVED},
        {"at": "2024-03-02 08:00:00", "of": "web_complaints"},
    )

    assert shown(complaint_duration_by_category(*frames, horizon=date(2024, 3, 1), zone="UTC")) == [
        ("2024-03-01", "Billing", "4", "3", "3.3333", "7.4000", "2", "1.2500", "1.4500"),
    ]
    assert shown(complaint_duration_by_category(*frames, horizon=HORIZON, zone="UTC"))[1:] == [
        ("2024-03-02", "Billing", "1", "0", None, None, "0", None, None),
    ]


WEB, SOCIAL = {"of": "web_complaints"}, {"of": "social_complaints"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([{"at": "2024-03-01 08:00:00"}, {"at": "2024-03-08 08:00:00", **WEB}], ["Call, Web, 1 to 8, 2"]),
        ([{"at": "2024-03-01 08:00:00"}, {"at": "2024-03-08 08:00:01", **WEB}], []),
        ([{"at": "2024-03-01 08:00:00"}, {"at": "2024-03-01 08:00:00"}], []),
        ([{"at": "2024-03-01 08:00:00"}, {"at": "2024-03-01 08:00:00", "customer_id": "c2", **WEB}], []),
        ([{"at": "2024-03-01 08:00:00"}, {"at": "2024-03-01 08:00:00", "complaint_category": "Fees", **WEB}], []),
        ([{"at": "2024-03-01 08:00:00", "complaint_category": None}, {"at": "2024-03-02 08:00:00", **WEB}], []),
        (
            [{"at": f"2024-03-{day:02} 08:00:00", **of} for day, of in ((1, {}), (8, {}), (15, SOCIAL), (24, WEB))],
            ["Call, Social, 1 to 15, 3"],
        ),
        (
            [{"at": f"2024-03-{day:02} 08:00:00", **of} for day, of in ((1, {}), (2, WEB), (20, SOCIAL), (21, {}))],
            ["Call, Social, Web, 1 to 21, 4"],
        ),
    ],
    ids=[
        "168 hours apart",
        "a second more",
        "one channel",
        "two customers",
        "two categories",
        "no category",
        "a series of steps, and one contact out of it",
        "two series",
    ],
)
def test_who_hops_from_channel_to_channel(spark: SparkSession, said: list[Said], expected: list[str]) -> None:
    """Contacts of one customer and category, each at most 168 hours after the one before, over two channels or more."""
    rows = channel_hopping_customers(*channels(spark, *said), zone="UTC").collect()
    found = [f"{', '.join(r.channels)}, {r.first_contact.day} to {r.last_contact.day}, {r.contacts}" for r in rows]
    assert found == expected
