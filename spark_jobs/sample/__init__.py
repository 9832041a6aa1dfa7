"""Sample deliveries in any volume, with known dirt and the truth about it. Imports no pyspark."""

from __future__ import annotations

from spark_jobs.sample.agents import Agent, sample_agents
from spark_jobs.sample.truth import Correction, DayTruth, Truth
from spark_jobs.sample.writer import DATASETS, write_sample

__all__ = ["DATASETS", "Agent", "Correction", "DayTruth", "Truth", "sample_agents", "write_sample"]
