"""The independent calculation that the tests hold the lake against.

Written from the specification alone: it imports neither the engine nor Spark, so that an agreement of the two means
something.
"""

from __future__ import annotations

from tests.oracle.difference import compare
from tests.oracle.gold_tables import (
    DOMAINS,
    GRAINS,
    GRAINS_OF_COMPLAINTS,
    Domain,
    gold,
    gold_of_activity,
    gold_of_calls,
    gold_of_complaints,
)
from tests.oracle.lake import classify
from tests.oracle.model import Figures, HeldBack, LakeTruth, LandedDelivery, Reject, SilverTicket

__all__ = [
    "DOMAINS",
    "GRAINS",
    "GRAINS_OF_COMPLAINTS",
    "Domain",
    "Figures",
    "HeldBack",
    "LakeTruth",
    "LandedDelivery",
    "Reject",
    "SilverTicket",
    "classify",
    "compare",
    "gold",
    "gold_of_activity",
    "gold_of_calls",
    "gold_of_complaints",
]
