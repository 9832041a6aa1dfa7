"""What a lake's URI and the environment become for delta-rs, fsspec and Spark; no store is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.errors import EngineError
from spark_jobs.store_jars import check_store, store_jars
from state.stores import delta_options, file_options, hadoop_settings, store_of

ROOT = Path(__file__).parents[1]
COMPATIBLE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "hush"}


@pytest.mark.parametrize(
    ("uri", "store"),
    [
        ("s3a://b/lake", "s3"),
        ("s3://b", "s3"),
        ("gs://b/x", "gs"),
        ("/data/s3://x", None),
        ("lake", None),
        ("abfs://x", None),
    ],
)
def test_a_store_is_known_by_its_scheme(uri: str, store: str | None) -> None:
    """A folder is none, and what isn't known here is left to the libraries."""
    assert store_of(uri) == store


def test_a_folder_has_no_options() -> None:
    """Whatever the environment says of stores."""
    environment = {**COMPATIBLE, "STORAGE_EMULATOR_HOST": "localhost:1"}
    assert (delta_options("/lake", environment), file_options("/lake", environment)) == ({}, {})
    assert hadoop_settings("/lake", "4.0", environment) == {}


def test_the_clouds_themselves_need_no_options_but_for_safety() -> None:
    """S3 commits by a condition on the put; credentials and region are found by each library's own chain."""
    assert delta_options("s3a://b/lake", {"AWS_ACCESS_KEY_ID": "k"}) == {"aws_conditional_put": "etag"}
    assert delta_options("gs://b/lake", {}) == {}
    spark = hadoop_settings("gs://b/lake", "4.0", {})
    assert spark["spark.hadoop.fs.gs.auth.type"] == "APPLICATION_DEFAULT"
    assert "spark.hadoop.fs.s3a.endpoint" not in hadoop_settings("s3a://b", "4.0", {})
    assert (
        hadoop_settings("s3a://b", "4.0", {"AWS_REGION": "eu-west-1"})["spark.hadoop.fs.s3a.endpoint.region"]
        == "eu-west-1"
    )


def test_another_endpoint_is_named_by_the_clouds_own_variables() -> None:
    """The one for S3 alone goes before the one for all services; http is allowed only where it is named."""
    environment = {**COMPATIBLE, "AWS_ENDPOINT_URL_S3": "https://store.example:9443"}
    assert delta_options("s3://b", COMPATIBLE)["aws_endpoint_url"] == "http://127.0.0.1:9000"
    assert delta_options("s3://b", COMPATIBLE)["aws_allow_http"] == "true"
    assert delta_options("s3://b", environment)["aws_endpoint_url"] == "https://store.example:9443"
    assert "aws_allow_http" not in delta_options("s3://b", environment)
    assert hadoop_settings("s3://b", "3.5", environment)["spark.hadoop.fs.s3a.endpoint"] == "https://store.example:9443"
    emulated = {"STORAGE_EMULATOR_HOST": "localhost:4443"}
    key = json.loads(delta_options("gs://b", emulated)["google_service_account_key"])
    assert (key["gcs_base_url"], key["disable_oauth"]) == ("http://localhost:4443", True)
    assert hadoop_settings("gs://b", "4.0", emulated)["spark.hadoop.fs.gs.storage.root.url"] == "http://localhost:4443/"
    assert file_options("gs://b", emulated)["token"] == "anon"
    assert file_options("gs://b", emulated) != file_options("gs://b", {"STORAGE_EMULATOR_HOST": "127.0.0.1:2"})


def test_no_secret_passes_through_a_setting() -> None:
    """Spark's settings stand on a command line and in logs."""
    made = {**hadoop_settings("s3a://b", "4.0", COMPATIBLE), **delta_options("s3a://b", COMPATIBLE)}
    assert "hush" not in repr(made)


def test_spark_without_the_stores_jars_says_what_to_do(tmp_path: Path) -> None:
    """Before a JVM is started; a platform that has them among its own is taken as it is, and a folder needs none."""
    with pytest.raises(EngineError, match="make setup-stores"):
        store_jars("s3a://b/lake", tmp_path, tmp_path / "none")
    (tmp_path / "hadoop-aws-3.4.1.jar").touch()
    with pytest.raises(EngineError, match="s3a://"):
        store_jars("s3a://b/lake", tmp_path, tmp_path)
    (tmp_path / "bundle-2.24.6.jar").touch()
    assert len(store_jars("s3://b/lake", tmp_path / "spark", tmp_path)) == 2
    (tmp_path / "spark" / "jars").mkdir(parents=True)
    (tmp_path / "spark" / "jars" / "gcs-connector-hadoop3-2.2.jar").touch()
    assert store_jars("gs://b/lake", tmp_path / "spark", tmp_path / "none") == []
    assert store_jars("/lake", tmp_path, tmp_path / "none") == []


def test_a_lake_in_a_folder_imports_nothing_of_a_store(tmp_path: Path) -> None:
    """What looks at a folder's ledger and landing pays nothing for stores."""
    script = (
        "import sys; from state.ledger import Ledger; from state.landing import find_deliveries\n"
        f"Ledger({str(tmp_path)!r}).days(); find_deliveries({str(tmp_path)!r}, 't/%Y-%m-%d.csv')\n"
        "found = {'s3fs', 'gcsfs', 'boto3', 'botocore', 'aiohttp', 'google.auth'} & set(sys.modules)\n"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("uri", "package"), [("gs://b/landing", "gcsfs"), ("s3a://b/landing", "s3fs")])
def test_a_store_without_its_package_says_what_to_install(uri: str, package: str) -> None:
    """The message names the package, not a module that isn't there."""
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from spark_jobs.errors import SourceError; from state.landing import find_deliveries\n"
        f"try: find_deliveries({uri!r}, 't/%Y-%m-%d.csv')\n"
        "except SourceError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"install {package}" in done.stdout, done.stderr


def test_a_spark_that_somebody_else_started_is_asked_whether_it_knows_the_store(spark: SparkSession) -> None:
    """Before any work: spark-submit without the jars says what to give it; a lake in a folder asks nothing."""
    for lake in ("s3a://b/lake", "gs://b/lake"):
        with pytest.raises(EngineError, match="give spark-submit the store's jars"):
            check_store(spark, lake)
    check_store(spark, "/lake")
    check_store(spark, None)
