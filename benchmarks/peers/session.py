"""The peers' session: chosen by the engine's own rule for the same amount of work, so with the same JVM flags."""

from __future__ import annotations

import os

from pyspark.sql import SparkSession

from spark_jobs.pipeline import start_session
from spark_jobs.settings import load_settings


def session(work_bytes: int = 0) -> SparkSession:
    """What `opslake run` would start for so many bytes of deliveries; OPSLAKE_JVM overrides it for both sides."""
    return start_session(load_settings(), work_bytes)


def size_of(delivery: str) -> int:
    """Bytes of the delivery, which decide about the flags."""
    return os.path.getsize(delivery)
