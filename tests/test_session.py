"""The session means the same everywhere, is quiet, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spark_jobs import session
from spark_jobs.errors import EngineError
from spark_jobs.java import find_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]


def test_a_cast_that_fails_is_null_and_not_an_error(spark: SparkSession) -> None:
    """ANSI mode is off on every Spark line, 4.0 included, where it is on by default."""
    assert spark.sql("select cast('x' as int) as n").first()["n"] is None


def test_an_instant_is_shown_in_utc(spark: SparkSession) -> None:
    """The session zone is UTC, whatever the machine's zone is."""
    assert spark.sql("select string(timestamp_seconds(0)) as t").first()["t"] == "1970-01-01 00:00:00"


def test_a_date_in_another_format_is_null_and_not_guessed(spark: SparkSession) -> None:
    """Time parsing is CORRECTED: no lenient parser of old reads 31 February as 2 March."""
    assert spark.sql("select to_date('2024-02-31', 'yyyy-MM-dd') as d").first()["d"] is None


def test_a_small_delta_table_has_few_partitions(spark: SparkSession, tmp_path: Path) -> None:
    """Delta works, and a grouping isn't cut into 200 tasks."""
    spark.range(9).write.format("delta").save(str(tmp_path / "t"))
    assert spark.read.format("delta").load(str(tmp_path / "t")).count() == 9
    assert int(spark.conf.get("spark.sql.shuffle.partitions") or 0) <= max(2, os.cpu_count() or 2)


def test_a_second_build_gives_the_session_that_is_there(spark: SparkSession) -> None:
    """Parts that each ask for the session share one context, and what was changed meanwhile is set right."""
    spark.conf.set("spark.sql.ansi.enabled", "true")
    again = session.build_session()
    assert again.sparkContext is spark.sparkContext
    assert again.conf.get("spark.sql.ansi.enabled") == "false"


def test_a_new_session_keeps_its_own_user_metadata(spark: SparkSession, tmp_path: Path) -> None:
    """What one thread writes into a commit isn't seen by another, and SQL still means the same."""
    key = "spark.databricks.delta.commitInfo.userMetadata"
    one, other = session.new_session(spark), session.new_session(spark)
    one.conf.set(key, "one")
    other.conf.set(key, "other")
    one.range(1).write.format("delta").save(str(tmp_path / "t"))
    history = spark.sql(f"describe history delta.`{tmp_path / 't'}`").first()
    assert history["userMetadata"] == "one"
    assert one.conf.get("spark.sql.session.timeZone") == "UTC"


def test_missing_delta_jars_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    """A checkout where `make setup` never ran says so at once."""
    with pytest.raises(EngineError, match=r"Delta jars for Spark .* missing.*make setup"):
        session.delta_jars(home=tmp_path)


def test_small_work_compiles_fast_and_large_work_fully(tmp_path: Path) -> None:
    """Only the small size limits the compiler; an archive is named only where it exists."""
    none = tmp_path / "none.jsa"
    assert "-XX:TieredStopAtLevel=1" in session._jvm_flags("small", none)
    assert "-XX:TieredStopAtLevel=1" not in session._jvm_flags("large", none)
    assert not any("SharedArchiveFile" in flag for flag in session._jvm_flags("small", none))


@pytest.mark.parametrize(
    ("master", "local"),
    [(None, True), ("local", True), ("local[2]", True), ("local-cluster[2,1,1024]", False), ("yarn", False)],
)
def test_a_master_that_was_submitted_decides_what_is_local(master: str | None, local: bool) -> None:
    """On a cluster nothing of one machine's settings may be forced."""
    assert session.is_local(master) is local


PROGRAM = """
from spark_jobs.session import build_session
spark = build_session(cores=1, driver_memory="1g")
spark.range(3).write.format("delta").save({path!r})
print(spark.read.format("delta").load({path!r}).count(), spark.conf.get("spark.sql.ansi.enabled"))
"""


def run(command: list[str], folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run the program text in a process of its own."""
    program = folder / "program.py"
    program.write_text(text)
    environ = os.environ | {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}
    return subprocess.run(
        [*command, str(program)], cwd=folder, env=environ, capture_output=True, text=True, timeout=180
    )


@pytest.mark.spark
def test_a_process_of_its_own_prints_nothing_but_its_own_lines(tmp_path: Path) -> None:
    """No greeting, no warning, no `spark-warehouse` folder where the user stands."""
    done = run([sys.executable], tmp_path, PROGRAM.format(path=str(tmp_path / "t")))
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["3", "false"], "")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["program.py", "t"]


@pytest.mark.spark
def test_spark_submit_keeps_the_submitters_settings_and_the_meaning_of_sql(tmp_path: Path) -> None:
    """Submitted with the jars on the class path: partitions are the submitter's, ANSI mode is off all the same."""
    jars = ":".join(str(jar) for jar in session.delta_jars())
    submit = [str(session._spark_home() / "bin" / "spark-submit"), "--driver-class-path", jars, "--master", "local[1]"]
    submit += ["--driver-java-options", " ".join(session._jvm_flags("small", session.class_archive(find_java())))]
    submit += ["--conf", "spark.sql.shuffle.partitions=7", "--conf", "spark.sql.ansi.enabled=true"]
    text = PROGRAM + "print(spark.conf.get('spark.sql.shuffle.partitions'), spark.sparkContext.master)\n"
    done = run(submit, tmp_path, text.format(path=str(tmp_path / "t")))
    assert done.stdout.split() == ["3", "false", "7", "local[1]"], done.stderr


@pytest.mark.spark
def test_a_jvm_that_does_not_start_says_why(tmp_path: Path) -> None:
    """The JVM's own words stand in the error, and not only that a port number never came."""
    text = PROGRAM.replace('"1g"', '"1g", jvm_flags=["-Xss1k"]').format(path="t")
    done = run([sys.executable], tmp_path, text)
    assert done.returncode == 1
    assert "EngineError: session: Spark's JVM didn't start; found: " in done.stderr
    assert "stack size" in done.stderr.split("EngineError: session")[1]


@pytest.mark.spark
def test_an_archive_that_is_no_archive_does_no_harm(tmp_path: Path) -> None:
    """A damaged class-data archive is left aside, silently: it may only ever make a start faster."""
    bad = tmp_path / "bad.jsa"
    bad.write_bytes(b"nothing")
    text = f"import pathlib, spark_jobs.session as s\ns.class_archive = lambda *_: pathlib.Path({str(bad)!r})\n"
    text += "print(s.build_session(cores=1, driver_memory='1g').range(3).count())\n"
    done = run([sys.executable], tmp_path, text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
