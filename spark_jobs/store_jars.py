"""The jars by which Spark reaches an object store: the platform's own, or those of `make setup-stores`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spark_jobs.errors import EngineError, first_line
from state.stores import Store, store_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JARS: Mapping[Store, tuple[str, ...]] = {"gs": ("gcs-connector",), "s3": ("hadoop-aws", "bundle")}
"""How the jars' names begin, or end where they are a vendor's bundle."""


def store_jars(lake: str, spark_home: Path, folder: Path) -> list[Path]:
    """The jars in `folder` that the lake's store takes; none for a folder, and none where Spark has its own.

    EngineError where they are missing.
    """
    store = store_of(lake)
    if store is None or any((spark_home / "jars").glob(f"{JARS[store][0]}-*.jar")):
        return []
    found = [jar for jar in sorted(folder.glob("*.jar")) if any(name in jar.name for name in JARS[store])]
    if any(not any(name in jar.name for jar in found) for name in JARS[store]):
        raise EngineError(
            f"Spark can't reach {lake.partition('://')[0]}:// without the store's jars",
            where=str(folder),
            hint="run `make setup-stores` once, with a network (`make setup-stores35` for Spark 3.5)",
        )
    return found


def append_to_class_path(jars: list[Path]) -> None:
    """Let the JVM that is started next find the jars behind all others, where the class-data archive still fits."""
    before = [entry for entry in os.environ.get("SPARK_DIST_CLASSPATH", "").split(os.pathsep) if entry]
    entries = [*before, *(str(jar) for jar in jars if str(jar) not in before)]
    if entries:
        os.environ["SPARK_DIST_CLASSPATH"] = os.pathsep.join(entries)


def check_store(spark: SparkSession, lake: str | None) -> None:
    """EngineError where a JVM that somebody else started doesn't know the lake's store."""
    if lake is None or store_of(lake) is None:
        return
    jvm: Any = spark._jvm
    scheme = lake.partition("://")[0]
    try:
        jvm.org.apache.hadoop.fs.FileSystem.getFileSystemClass(scheme, spark._jsc.hadoopConfiguration())
    except Exception as error:
        raise EngineError(
            f"this Spark can't reach {scheme}://",
            where=lake,
            value=first_line(error),
            hint="give spark-submit the store's jars (`make setup-stores` resolves them into .ivy/jars-stores)",
        ) from error
