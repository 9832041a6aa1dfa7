"""Versions that a bucket keeps of replaced and deleted objects: nobody reads them, and they are still there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fsspec import AbstractFileSystem

from state.stores import open_files, store_of


def noncurrent(root: str) -> list[str] | None:
    """Noncurrent versions of objects below `root`, as `URI#version`, in order; they are the owner's to delete.

    None for a folder, and where the store doesn't tell.
    """
    store = store_of(root)
    if store is None:
        return None
    files, path = open_files(root)
    bucket, _, below = path.rstrip("/").partition("/")
    listed = _of_google if store == "gs" else _of_amazon
    try:
        found = sorted(listed(files, bucket, f"{below}/" if below else ""))
    except Exception:  # each store has its own way to say that this may not be listed
        return None
    return [f"{root.partition('://')[0]}://{bucket}/{name}#{version}" for name, version in found]


def _of_google(files: AbstractFileSystem, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    asked: dict[str, Any] = {"prefix": prefix, "versions": "true"}
    while True:
        page = files.call("GET", "b/{}/o", bucket, json_out=True, **asked)
        yield from ((one["name"], one["generation"]) for one in page.get("items", ()) if "timeDeleted" in one)
        if not page.get("nextPageToken"):
            return
        asked["pageToken"] = page["nextPageToken"]


def _of_amazon(files: AbstractFileSystem, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    while True:
        page = files.call_s3("list_object_versions", **asked)
        yield from ((one["Key"], one["VersionId"]) for one in page.get("Versions", ()) if not one["IsLatest"])
        if not page["IsTruncated"]:
            return
        asked |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
