"""What lies in the landing root: deliveries by logical date, and ready markers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from spark_jobs.errors import ContractError, SourceError, first_line
from state.stores import open_files

DAY = timedelta(days=1)
MOST_FOLDERS = 64  # listed one by one; beyond that one listing of all is quicker
DIGITS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}"}
TEXT_SUFFIXES = (".csv", ".json", ".jsonl", ".ndjson")  # read as well when gzipped
NONE_KNOWN: Mapping[str, Delivery] = MappingProxyType({})
HEX = re.compile(r"[0-9a-f]{12,}(-\d+)?")


@dataclass(frozen=True)
class Delivery:
    """One file of a delivery: its full path, bytes, checksum (hexadecimal) and when it was last modified (UTC).

    Of a table or a tab the checksum is empty until it is read, and `modified` is when this content was first seen.
    `token` is what its catalogue says of it: while that is the same, so is the content; empty where nothing says so.
    """

    path: str
    size: int
    checksum: str
    modified: datetime
    token: str = ""

    @property
    def delivery(self) -> str:
        """The delivery's id: the first 12 hex digits of its checksum."""
        return self.checksum[:12]


def find_deliveries(
    landing: str,
    path_template: str,
    *,
    ignore_case: bool = False,
    known: Mapping[str, Delivery] = NONE_KNOWN,
    start: date | None = None,
    end: date | None = None,
) -> dict[date, list[Delivery]]:
    """The files below `landing` that match the template, by the date in their path, dates and paths in order.

    `path_template` is relative, with %Y, %m and %d and perhaps * (anything but a slash); a text file may also be
    gzipped; `ignore_case` takes its letters in any case. A `known` file (by path) of the same size and modification
    time isn't hashed again. Paths that name no real date, hidden files and those that begin with an underscore are no
    deliveries. A landing root that doesn't exist holds none. With both `start` and `end`, only the folders of these
    days are listed.
    """
    files, base, scheme = _open(landing)
    pattern = template_pattern(path_template, ignore_case=ignore_case)
    found: dict[date, list[Delivery]] = {}
    for path, info in _listed(
        files, base, path_template, _folders(files, base, path_template, ignore_case, start, end)
    ):
        day = day_in(pattern, path[len(base) + 1 :])
        if day is None or (start is not None and day < start) or (end is not None and day > end):
            continue
        found.setdefault(day, []).append(_delivery(files, path, info, scheme, known))
    return {day: sorted(found[day], key=lambda d: d.path) for day in sorted(found)}


def date_in(path: str, path_template: str, *, ignore_case: bool = False) -> date | None:
    """The day of a file by its path below the landing root, None where it is no delivery of this template."""
    if _is_hidden(path, path_template):
        return None
    return day_in(template_pattern(path_template, ignore_case=ignore_case), path)


def is_ready(landing: str, dataset: str, day: date) -> bool:
    """Whether the ready marker `<landing>/<dataset>/_ready/YYYY-MM-DD` is there."""
    files, base, _ = _open(landing)
    return bool(files.exists(f"{base}/{ready_marker(dataset, day)}"))


def ready_marker(dataset: str, day: date) -> str:
    """The path below the landing root of the marker that says that a day's delivery is whole."""
    return f"{dataset}/_ready/{day.isoformat()}"


def template_pattern(path_template: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression of a path template, with groups Y, m and d; ContractError for one that gives no date."""
    expression, seen = "", set()
    for part in re.split(r"(%.|\*)", path_template):
        if part in seen:
            expression += f"(?P={part[1]})"  # the second %Y must say the same year
        elif part in DIGITS:
            expression += f"(?P<{part[1]}>{DIGITS[part]})"
            seen.add(part)
        elif part.startswith("%"):
            raise ContractError("a path can't hold this directive", where="path", value=part, allowed=DIGITS)
        else:
            expression += "[^/]*" if part == "*" else re.escape(part)
    if missing := set(DIGITS) - seen:
        raise ContractError(
            f"the path gives no date without {', '.join(sorted(missing))}",
            where="path",
            value=path_template,
            hint="for example tickets/%Y/%m/%Y-%m-%d.csv",
        )
    gzipped = r"(\.gz)?" if path_template.endswith(TEXT_SUFFIXES) else ""
    return re.compile(expression + gzipped, re.IGNORECASE if ignore_case else 0)


def _open(landing: str) -> tuple[AbstractFileSystem, str, str]:
    """The file system, the root's path in it, and what to put before a path so that it is a full one."""
    files, base = open_files(landing)
    scheme = "" if isinstance(files, LocalFileSystem) else landing.partition("://")[0] + "://"
    return files, base.rstrip("/"), scheme


def _folders(
    files: AbstractFileSystem, base: str, path_template: str, ignore_case: bool, start: date | None, end: date | None
) -> list[str]:
    """The folders to list: those of the days asked for, unless there were many, or the names may vary."""
    folder = path_template.rpartition("/")[0]
    if ignore_case or "*" in folder:
        return _alike(files, base, folder, ignore_case)
    if start is not None and end is not None:
        days = (start + n * DAY for n in range((end - start).days + 1))
        narrow = list(islice(dict.fromkeys(day.strftime(folder) for day in days), MOST_FOLDERS + 1))
        if len(narrow) <= MOST_FOLDERS:
            return [f"{base}/{name}".rstrip("/") for name in narrow]
    return [f"{base}/{path_template.partition('%')[0].rpartition('/')[0]}".rstrip("/")]


def _alike(files: AbstractFileSystem, base: str, folder: str, ignore_case: bool) -> list[str]:
    """Down to the first day mark: an exact name as it is, one that may vary is looked for among its siblings."""
    found = [base]
    for part in folder.split("/"):
        if "%" in part:
            break
        if not ignore_case and "*" not in part:
            found = [f"{parent}/{part}" for parent in found]
            continue
        pattern = re.compile(re.escape(part).replace(r"\*", "[^/]*"), re.IGNORECASE if ignore_case else 0)
        paths = [path.rstrip("/") for parent in found for path in _names(files, parent)]
        found = [path for path in paths if pattern.fullmatch(path.rpartition("/")[2])]
    return found


def _names(files: AbstractFileSystem, folder: str) -> list[str]:
    try:
        return [str(path) for path in files.ls(folder, detail=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _listed(
    files: AbstractFileSystem, base: str, path_template: str, folders: Iterable[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for folder in folders:
        try:
            listing = files.find(folder, detail=True)
        except FileNotFoundError:
            continue
        except Exception as error:  # each store's library has errors of its own
            if isinstance(files, LocalFileSystem):
                raise
            hint = "check the credentials and the rights to list and to read"
            raise SourceError("can't be listed", where=base, value=first_line(error), hint=hint) from error
        for path, info in listing.items():
            if not _is_hidden(path, path_template):
                yield path, info


def _is_hidden(path: str, path_template: str) -> bool:
    """Whether the file's name begins with a dot or an underscore, and the template's doesn't."""
    marks = (".", "_")
    return path.rpartition("/")[2].startswith(marks) and not path_template.rpartition("/")[2].startswith(marks)


def day_in(pattern: re.Pattern[str], path: str) -> date | None:
    """The day that a path names by a template's pattern; None for another path, and for no real day."""
    match = pattern.fullmatch(path)
    if match is None:
        return None
    try:
        return date(int(match["Y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return None


def _delivery(
    files: AbstractFileSystem, path: str, info: Mapping[str, Any], scheme: str, known: Mapping[str, Delivery]
) -> Delivery:
    full, size, modified = scheme + path, int(info.get("size") or 0), modified_at(info)
    before = known.get(full)
    if before is not None and (before.size, before.modified) == (size, modified):
        return before
    return Delivery(full, size, stores_checksum(info) or _sha256(files, path), modified)


def modified_at(info: Mapping[str, Any]) -> datetime:
    """When the file was last modified, as the store at hand calls it; the epoch where it doesn't say."""
    for name in ("mtime", "updated", "LastModified", "last_modified", "modified", "created"):
        value = info.get(name)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str) and value:
            return datetime.fromisoformat(value).astimezone(UTC)
    return datetime.fromtimestamp(0, UTC)


def stores_checksum(info: Mapping[str, Any]) -> str | None:
    """The store's own checksum in lower-case hexadecimal, or None where its listing has none."""
    settings = info.get("content_settings") or {}
    md5 = info.get("md5Hash") or (settings.get("content_md5") if isinstance(settings, Mapping) else None)
    if md5:
        return _hexadecimal(md5)
    if info.get("crc32c"):  # a composite object of Google's: it has no MD5
        return hashlib.sha256(f"{info['crc32c']}:{info.get('size')}".encode()).hexdigest()
    etag = str(info.get("ETag") or info.get("etag") or "").strip('"').lower()
    if not etag:
        return None
    return etag if HEX.fullmatch(etag) else hashlib.sha256(etag.encode()).hexdigest()


def _hexadecimal(md5: str | bytes) -> str:
    try:
        return (base64.b64decode(md5, validate=True) if isinstance(md5, str) else bytes(md5)).hex()
    except binascii.Error:
        return str(md5).lower()


def _sha256(files: AbstractFileSystem, path: str) -> str:
    with files.open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
