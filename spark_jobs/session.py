"""The one place where a Spark session is made, and where its settings are chosen.

`SEMANTICS` decide what an expression means and hold everywhere. `_local` settings are about one machine: they make
small Delta work fast there and would be wrong on a cluster, where the platform's own settings stand.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spark_jobs.errors import EngineError
from spark_jobs.gateway import launch_jvm
from spark_jobs.java import Java, find_java
from spark_jobs.store_jars import append_to_class_path, check_store, store_jars
from state.stores import hadoop_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Size = Literal["small", "large"]

PROJECT = Path(__file__).resolve().parent.parent
SEMANTICS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.caseSensitive": "false",
    # Lower and upper case by Java's rules, as on Spark 3.5; Spark 4's own take a second to load.
    "spark.sql.icu.caseMappings.enabled": "false",
}
EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
PLANNING = {
    # PySpark 4 tells the JVM the line of Python behind every single Column operation, in four calls each.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Spark 4 checks each plan again after every round of rules: Spark's own tests do that.
    "spark.sql.lightweightPlanChangeValidation": "false",
    # A load asks some hundred queries, and the next batch of a backfill the same ones: compiled once, of 100 that
    # are kept by default most were gone by then.
    "spark.sql.codegen.cache.maxEntries": "1000",
}
DELTA = {
    "spark.sql.extensions": EXTENSION,
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def build_session(
    *,
    app: str = "opslake",
    size: Size = "small",
    cores: int | None = None,
    driver_memory: str = "2g",
    jars: Sequence[Path] = (),
    conf: Mapping[str, str] | None = None,
    jvm_flags: Sequence[str] = (),
    lake: str | None = None,
    home: Path = PROJECT,
) -> SparkSession:
    """The process's Spark session, with Delta, the same meaning of SQL on every Spark line and quiet logs.

    Started by plain python it is local: `cores` threads (None: all), `driver_memory` of heap, JVM flags by `size`
    ("small" compiles fast and shallow, "large" fully; both use the class-data archive where there is one). Started by
    spark-submit the JVM runs already, so memory, flags and jars are the submitter's; with a master that isn't local
    nothing about the machine is set at all. A session that is active already is taken, and given `SEMANTICS`.
    `jars` are added to the class path, `conf` overrides everything. For a `lake` in an object store the session has the
    store's jars and settings. EngineError when Java or jars are missing.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is not None:
        active = SparkSession.builder.getOrCreate()
        _set(active, {**SEMANTICS, **(conf or {})})
        return _checked(active, lake)
    given = _submitted()
    settings = {"spark.app.name": app, **SEMANTICS, **PLANNING, **DELTA}
    if given is None or is_local(given.get("spark.master")):
        settings |= hadoop_settings(lake or "", spark_line())
    if given is None:
        append_to_class_path(store_jars(lake or "", _spark_home(), home / ".ivy" / "jars-stores" / spark_line()))
        settings |= _local(cores, home, size) | _own_jvm(size, driver_memory, jars, jvm_flags, home) | dict(conf or {})
        launch_jvm(settings)
    else:
        settings |= (
            (_local(cores, home, size) if is_local(given.get("spark.master")) else {}) | given | dict(conf or {})
        )
    builder = SparkSession.builder
    for key, value in (settings | SEMANTICS | dict(conf or {})).items():
        builder = builder.config(key, value)
    spark = _checked(builder.getOrCreate(), lake)
    if given is not None and is_local(given.get("spark.master")):
        spark.sparkContext.setLogLevel("ERROR")
    return spark


def new_session(spark: SparkSession) -> SparkSession:
    """A session of its own on the same context, for one thread's `userMetadata`, with the same meaning of SQL.

    A new session has the start-up configuration only, so what was set later is set again.
    """
    session = spark.newSession()
    _set(session, SEMANTICS)
    return session


def is_local(master: str | None) -> bool:
    """Whether the driver's process is the whole of Spark: then, and only then, this machine's settings are ours."""
    return master is None or re.fullmatch(r"local(\[.*\])?", master) is not None


def _submitted() -> dict[str, str] | None:
    """What a submitter (spark-submit, Dataproc, Glue) has set already, or None where plain python starts the JVM."""
    from pyspark import SparkConf, SparkContext

    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return None
    # Only the JVM knows the submitter's settings, and a SparkConf asks it only once it is connected.
    SparkContext._ensure_initialized()
    return dict(SparkConf().getAll())


def spark_line() -> str:
    """Spark's release line as `4.0`: Delta's jars and the class-data archive belong to one line."""
    import pyspark

    return ".".join(pyspark.__version__.split(".")[:2])


def delta_jars(home: Path = PROJECT) -> list[Path]:
    """The Delta jars that `make setup` resolved for the installed Spark; none when Spark's own jars contain them."""
    if any((_spark_home() / "jars").glob("delta-spark*.jar")):
        return []
    folder = home / ".ivy" / "jars" / spark_line()
    found = sorted(folder.glob("*.jar"))
    if not any(jar.name.startswith("delta-spark") for jar in found):
        raise EngineError(
            f"the Delta jars for Spark {spark_line()} are missing",
            where=str(folder),
            hint="run `make setup` (or `make setup-spark35` for Spark 3.5) once, with a network",
        )
    return found


def jdbc_jars(home: Path = PROJECT) -> list[Path]:
    """The JDBC drivers that `make setup` resolved; none where it wasn't run."""
    return sorted((home / ".ivy" / "jars" / "jdbc").glob("*.jar"))


def class_archive(java: Java, home: Path = PROJECT) -> Path:
    """Where the class-data archive of this Spark line and this Java lies, whether it was built or not."""
    return home / ".cache" / "cds" / f"spark{spark_line()}-java{java.version}.jsa"


def _local(cores: int | None, home: Path, size: Size) -> dict[str, str]:
    """Settings of a session whose driver is all there is. A hundred small partitions would only cost time here."""
    threads = cores or os.cpu_count() or 2
    partitions = str(max(2, threads))
    return {
        "spark.master": f"local[{threads}]",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": partitions,
        "spark.default.parallelism": partitions,
        "spark.databricks.delta.snapshotPartitions": "1",
        # Looking at a local folder's files takes less time than the tasks that would share the work.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
        # Planning anew between the stages of a small query takes longer than it can save.
        "spark.sql.adaptive.enabled": "false" if size == "small" else "true",
        "spark.sql.warehouse.dir": str(home / ".cache" / "warehouse"),
    }


def _own_jvm(size: Size, memory: str, jars: Sequence[Path], flags: Sequence[str], home: Path) -> dict[str, str]:
    """Settings for a JVM that this process starts itself; sets the environment that Spark's launcher reads."""
    java = find_java()
    os.environ.update(JAVA_HOME=str(java.home), SPARK_HOME=str(_spark_home()))
    os.environ.update(PYSPARK_PYTHON=sys.executable, PYSPARK_DRIVER_PYTHON=sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # Spark's launcher puts this folder on the class path, and with a file in it there the JVM leaves any class-data
    # archive aside. What spark-submit's defaults say is said here by the settings.
    os.environ.setdefault("SPARK_CONF_DIR", str(home / ".cache" / "no-spark-conf"))
    # The launcher is a JVM of its own that only puts the command line together.
    os.environ.setdefault("SPARK_LAUNCHER_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    return {"spark.driver.memory": memory, **driver_settings(size, jars=jars, flags=flags, home=home)}


def driver_settings(
    size: Size = "small", *, jars: Sequence[Path] = (), flags: Sequence[str] = (), home: Path = PROJECT
) -> dict[str, str]:
    """The driver's class path and JVM flags, as a JVM must get them before it starts."""
    # On the class path, not in spark.jars: an archive holds only classes that the JVM's own loader found.
    class_path = os.pathsep.join(str(jar) for jar in [*delta_jars(home), *jdbc_jars(home), *jars])
    options = [*_jvm_flags(size, class_archive(find_java(), home)), *flags]
    settings = {"spark.driver.extraJavaOptions": " ".join(options)}
    return settings | ({"spark.driver.extraClassPath": class_path} if class_path else {})


def _jvm_flags(size: Size, archive: Path) -> list[str]:
    # ParallelGC has the least overhead where a pause of some milliseconds hurts nobody. The JVM's own remarks would
    # otherwise land on stdout, among what `--json` prints.
    flags = [
        "-XX:+DisplayVMOutputToStderr",
        "-XX:+UseParallelGC",
        # Loading Spark's classes shall not count as a reason to collect garbage.
        "-XX:MetaspaceSize=300m",
        # The code that Spark generates for a wide contract's validation is longer than what the JVM would compile.
        "-XX:-DontCompileHugeMethods",
        "-Dlog4j2.configurationFile=" + str(Path(__file__).with_name("log4j2.properties")),
    ]
    if size == "small":
        # Without the full compiler the code cache is a fifth of its usual size, which a long run fills.
        flags += ["-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m"]
    if archive.is_file():
        # An archive that doesn't fit any more is left aside by the JVM, which shall not remark on it.
        flags += [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return flags


def _spark_home() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent


def _checked(spark: SparkSession, lake: str | None) -> SparkSession:
    """The session, unless it can't do Delta or reach the lake: that comes out here and not in the middle of a run."""
    check_store(spark, lake)
    # Every AnalysisException would be printed as a page of JSON before whoever catches it can speak.
    logging.getLogger("DataFrameQueryContextLogger").setLevel(logging.CRITICAL)
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    extensions = spark.conf.get("spark.sql.extensions", None)
    jvm: Any = spark._jvm
    classes = type(jvm.io.delta.tables.DeltaTable).__name__  # a JavaPackage where there is no class
    if EXTENSION in (extensions or "") and classes == "JavaClass":
        return spark
    raise EngineError(
        "the session has no Delta",
        where="spark.sql.extensions and the driver's class path",
        value=f"{extensions}, {'with' if classes == 'JavaClass' else 'without'} Delta's classes",
        allowed=EXTENSION,
        hint="use the environment's own spark-submit after `make setup`, or give the platform's setting for Delta",
    )


def _set(spark: SparkSession, settings: Mapping[str, str]) -> None:
    for key, value in settings.items():
        spark.conf.set(key, value)
