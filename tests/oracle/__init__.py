"""The independent calculation of tickets that the tests hold the lake against.

Written from the specification alone: it imports neither the engine nor Spark, so that an agreement of the two means
something.
"""

from __future__ import annotations

from tests.oracle.difference import compare
from tests.oracle.gold_tables import GRAINS, gold
from tests.oracle.lake import classify
from tests.oracle.model import Figures, HeldBack, LakeTruth, LandedDelivery, Reject, SilverTicket

__all__ = [
    "GRAINS",
    "Figures",
    "HeldBack",
    "LakeTruth",
    "LandedDelivery",
    "Reject",
    "SilverTicket",
    "classify",
    "compare",
    "gold",
]
