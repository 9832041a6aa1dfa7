"""Build the class-data archive: the classes that a run loads, parsed once and mapped in at every start.

Best effort: without the archive everything works, only slower. Run by `make setup`, with the environment's python.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from spark_jobs.java import find_java
from spark_jobs.log import configure
from spark_jobs.pipeline import Pipeline
from spark_jobs.planning import Choice
from spark_jobs.sample import write_sample
from spark_jobs.session import build_session, class_archive, delta_jars, jdbc_jars
from spark_jobs.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DUMP_SECONDS = 180


def main() -> int:
    """Run the workload in a JVM that dumps its classes at exit; 0 even where that failed, for nothing depends on it.

    With `--if-missing` an archive that is newer than the jars is left as it is.
    """
    archive = class_archive(find_java())
    if (
        "--if-missing" in sys.argv
        and archive.is_file()
        and archive.stat().st_mtime > _newest([*delta_jars(), *jdbc_jars()])
    ):
        return 0
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.unlink(missing_ok=True)
    partial = archive.with_suffix(f".{os.getpid()}.partial")
    try:
        with tempfile.TemporaryDirectory() as folder:
            flags = [f"-XX:ArchiveClassesAtExit={partial}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
            spark = build_session(app="class-archive", jvm_flags=flags)
            _workload(spark, Path(folder))
            _stop_and_wait(spark)
        partial.rename(archive)
    except Exception as error:
        print(f"no class-data archive ({type(error).__name__}: {error}); runs start a little slower", file=sys.stderr)
        partial.unlink(missing_ok=True)
    else:
        print(f"class-data archive: {archive.stat().st_size >> 20} MiB in {archive}")
    return 0


def _newest(files: Iterable[Path]) -> float:
    return max((file.stat().st_mtime for file in files), default=0.0)


def _stop_and_wait(spark: SparkSession) -> None:
    """Stop Spark and wait for the JVM itself: it writes the archive after Python's side is already done."""
    gateway = spark.sparkContext._gateway
    spark.stop()
    assert gateway is not None
    process = gateway.proc
    gateway.shutdown()
    process.stdin.close()
    process.wait(timeout=DUMP_SECONDS)


def _workload(spark: SparkSession, folder: Path) -> None:
    """A lake of some sample days, the last by a run of its own: the classes wanted are those of a real run."""
    start, landing = date(2026, 1, 1), folder / "landing"
    write_sample(landing, start=start, days=5, tickets_per_day=30, seed=1)
    settings = Settings(lake=str(folder / "lake"), landing=str(landing), today=start + timedelta(days=5))
    configure("json", quiet=True)
    pipeline = Pipeline(settings, "class-archive", session=lambda _settings, _bytes: spark)
    pipeline.backfill(Choice(start=start, end=start + timedelta(days=3)), batch_days=400)
    pipeline.run(Choice(start=start + timedelta(days=4), end=start + timedelta(days=4)))


if __name__ == "__main__":
    sys.exit(main())
