"""Object stores: what a URI and the environment mean for delta-rs, for fsspec and for Spark's Hadoop.

Credentials are found by each cloud's own chain (environment, profile, metadata of the machine) and never pass through
here. Another endpoint is named by the clouds' own variables: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, and
STORAGE_EMULATOR_HOST. A path without a scheme has no options at all, and nothing is imported for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from spark_jobs.errors import SourceError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Store = Literal["gs", "s3"]
Environment = Mapping[str, str]

SCHEMES: Mapping[str, Store] = {"gs": "gs", "gcs": "gs", "s3": "s3", "s3a": "s3"}
PACKAGES: Mapping[Store, str] = {"gs": "gcsfs", "s3": "s3fs"}
# Spark 3.5 comes with Hadoop 3.3, which knows the first AWS SDK; later Hadoops know the second.
AWS_CHAINS = {
    "3.5": "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    "4.0": "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
}


def store_of(uri: str) -> Store | None:
    """The kind of store that a URI names; None for a folder and for schemes that are left to the libraries."""
    scheme, mark, _ = uri.partition("://")
    return SCHEMES.get(scheme.lower()) if mark else None


def delta_options(uri: str, environment: Environment = os.environ) -> dict[str, str]:
    """The `storage_options` of delta-rs; what isn't named here it takes from the environment by itself."""
    store = store_of(uri)
    if store == "s3":
        # Without a conditional put two writers could both win the same version.
        return {"aws_conditional_put": "etag"} | _s3_endpoint_for_delta(environment)
    if store == "gs" and (endpoint := _gcs_endpoint(environment)) is not None:
        # It takes an endpoint only as part of a key, and of this key nothing else is looked at.
        key = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": ""}
        return {"google_service_account_key": json.dumps({**key, "private_key_id": ""})}
    return {}


def file_options(uri: str, environment: Environment = os.environ) -> dict[str, Any]:
    """The options of fsspec's file system. Listings aren't kept: a run that waits must see what has landed since.

    An endpoint is named, for fsspec keeps a file system per set of options, not per environment.
    """
    store = store_of(uri)
    if store is None:
        return {}
    endpoint = _gcs_endpoint(environment) if store == "gs" else _s3_endpoint(environment)
    anonymous = {"token": "anon"} if store == "gs" and endpoint is not None else {}
    return {"use_listings_cache": False} | anonymous | ({"endpoint_url": endpoint} if endpoint else {})


def hadoop_settings(uri: str, spark_line: str, environment: Environment = os.environ) -> dict[str, str]:
    """The settings of a session that reads and writes the lake at `uri` on this machine, as `spark.hadoop.*`."""
    store = store_of(uri)
    if store is None:
        return {}
    found = _s3_for_hadoop(spark_line, environment) if store == "s3" else _gcs_for_hadoop(environment)
    return {f"spark.hadoop.{key}": value for key, value in found.items()}


def open_files(uri: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a path or URI, and the path in it; SourceError where its package is missing."""
    from fsspec.core import url_to_fs  # a tenth of a second, which the tables' state can do without

    store = store_of(uri)
    if store == "gs":
        # Else gcsfs asks by gRPC of which kind a bucket is before it reads (no kind reads differently here), which
        # emulators don't answer and whose import takes two seconds.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        files, path = url_to_fs(uri, **file_options(uri))
    except (ImportError, ValueError) as error:
        hint = f"install {PACKAGES[store]}" if store else "a folder, gs://bucket/… or s3://bucket/…"
        raise SourceError("there is nothing here to open it with", where=uri, value=str(error), hint=hint) from error
    return files, str(path)


def _s3_endpoint(environment: Environment) -> str | None:
    return environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or None


def _s3_region(environment: Environment) -> str | None:
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None


def _s3_endpoint_for_delta(environment: Environment) -> dict[str, str]:
    endpoint = _s3_endpoint(environment)
    if endpoint is None:
        return {}
    plain = {"aws_allow_http": "true"} if endpoint.startswith("http://") else {}
    # A compatible store has no regions, but a request is signed with the name of one.
    return {"aws_endpoint_url": endpoint, "aws_region": _s3_region(environment) or "us-east-1"} | plain


def _s3_for_hadoop(spark_line: str, environment: Environment) -> dict[str, str]:
    settings = {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A",
        "fs.s3a.aws.credentials.provider": AWS_CHAINS.get(spark_line, AWS_CHAINS["4.0"]),
    }
    endpoint, region = _s3_endpoint(environment), _s3_region(environment)
    if endpoint is not None:
        settings |= {
            "fs.s3a.endpoint": endpoint,
            "fs.s3a.path.style.access": "true",
            "fs.s3a.connection.ssl.enabled": str(endpoint.startswith("https://")).lower(),
        }
    if region is not None or endpoint is not None:
        settings["fs.s3a.endpoint.region"] = region or "us-east-1"
    return settings


def _gcs_endpoint(environment: Environment) -> str | None:
    host = environment.get("STORAGE_EMULATOR_HOST", "").rstrip("/")
    if not host:
        return None
    return host if "://" in host else f"http://{host}"


def _gcs_for_hadoop(environment: Environment) -> dict[str, str]:
    settings = {
        "fs.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem",
        "fs.AbstractFileSystem.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFS",
    }
    endpoint = _gcs_endpoint(environment)
    if endpoint is None:
        return settings | {"fs.gs.auth.type": "APPLICATION_DEFAULT"}
    # The project is only asked for when buckets are made or listed.
    return settings | {
        "fs.gs.storage.root.url": f"{endpoint}/",
        "fs.gs.storage.service.path": "storage/v1/",
        "fs.gs.auth.type": "UNAUTHENTICATED",
        "fs.gs.auth.service.account.enable": "false",  # the same in the words of the connector for Spark 3.5
        "fs.gs.auth.null.enable": "true",
        "fs.gs.project.id": environment.get("GOOGLE_CLOUD_PROJECT") or "none",
    }
