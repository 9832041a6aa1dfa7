from __future__ import annotations

import gzip
import hashlib
import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from spark_jobs.errors import ContractError
from state.landing import Delivery, find_deliveries, is_ready, stores_checksum

TEMPLATE = "tickets/%Y/%m/%Y-%m-%d.csv"


def lay(root: Path, path: str, text: str = "a,b\n1,2\n") -> Path:
    """Writes a file below the landing root, gzipped where its name says so."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode()) if path.endswith(".gz") else text.encode())
    return file


def test_a_file_is_found_by_the_date_in_its_path_with_size_and_sha256(tmp_path: Path) -> None:
    """A local delivery has its absolute path, its bytes, the SHA-256 of its content and its time in UTC."""
    file = lay(tmp_path, "tickets/2024/03/2024-03-05.csv", "x\n")
    os.utime(file, (1_700_000_000.5, 1_700_000_000.5))

    assert find_deliveries(str(tmp_path), TEMPLATE) == {
        date(2024, 3, 5): [
            Delivery(
                path=str(file),
                size=2,
                checksum="73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac",
                modified=datetime(2023, 11, 14, 22, 13, 20, 500000, tzinfo=UTC),
            )
        ]
    }


def test_a_deliverys_id_is_the_first_12_digits_of_its_checksum() -> None:
    """`_delivery` everywhere in the lake is this id."""
    assert Delivery("/x", 1, "0123456789abcdef", datetime(2024, 1, 1, tzinfo=UTC)).delivery == "0123456789ab"


def test_a_gzipped_file_matches_the_plain_template(tmp_path: Path) -> None:
    """A template that ends in .csv also finds .csv.gz."""
    file = lay(tmp_path, "tickets/2024/03/2024-03-05.csv.gz")

    assert [d.path for d in find_deliveries(str(tmp_path), TEMPLATE)[date(2024, 3, 5)]] == [str(file)]


@pytest.mark.parametrize(
    "path",
    [
        "tickets/2024/03/2024-03-05.csv.part",
        "tickets/2024/04/2024-03-05.csv",  # two months that contradict each other
        "tickets/2024/02/2024-02-30.csv",  # no such day
        "tickets/2024/03/._2024-03-05.csv",
        "calls/2024/03/2024-03-05.csv",
        "tickets/_ready/2024-03-05",
    ],
)
def test_what_does_not_match_the_template_is_no_delivery(tmp_path: Path, path: str) -> None:
    """Half-written, hidden, misplaced and impossible files are passed over."""
    lay(tmp_path, path)

    assert find_deliveries(str(tmp_path), TEMPLATE) == {}


def test_a_wildcard_gives_all_files_of_a_day_in_order_of_their_paths(tmp_path: Path) -> None:
    """A delivery may be several files; * doesn't reach into other folders."""
    for name in ("2024-03-05_b.csv", "2024-03-05_a.csv", "deep/2024-03-05_c.csv"):
        lay(tmp_path, f"calls/{name}")

    found = find_deliveries(str(tmp_path), "calls/%Y-%m-%d_*.csv")

    assert [Path(d.path).name for d in found[date(2024, 3, 5)]] == ["2024-03-05_a.csv", "2024-03-05_b.csv"]


def test_start_and_end_are_included_and_days_come_in_order(tmp_path: Path) -> None:
    """Only the days asked for are listed, oldest first."""
    for day in ("2024-03-04", "2024-03-07", "2024-03-05", "2024-03-06"):
        lay(tmp_path, f"tickets/2024/03/{day}.csv")

    found = find_deliveries(str(tmp_path), TEMPLATE, start=date(2024, 3, 5), end=date(2024, 3, 6))

    assert list(found) == [date(2024, 3, 5), date(2024, 3, 6)]


def test_a_known_file_of_equal_size_and_time_is_not_hashed_again(tmp_path: Path) -> None:
    """What the ledger knows of an untouched file is taken over; a touched one is hashed."""
    file = lay(tmp_path, "tickets/2024/03/2024-03-05.csv")
    first = find_deliveries(str(tmp_path), TEMPLATE)[date(2024, 3, 5)][0]
    remembered = Delivery(first.path, first.size, "remembered", first.modified)

    untouched = find_deliveries(str(tmp_path), TEMPLATE, known={first.path: remembered})
    os.utime(file, (1, 1))
    touched = find_deliveries(str(tmp_path), TEMPLATE, known={first.path: remembered})

    assert untouched[date(2024, 3, 5)] == [remembered]
    assert touched[date(2024, 3, 5)][0].checksum == hashlib.sha256(file.read_bytes()).hexdigest()


def test_another_file_system_gives_full_urls() -> None:
    """Paths of a remote landing keep the scheme that the setting has."""
    files = fsspec.filesystem("memory")
    files.pipe("/landing-urls/tickets/2024/03/2024-03-05.csv", b"x\n")

    found = find_deliveries("memory://landing-urls", TEMPLATE)[date(2024, 3, 5)]

    assert [d.path for d in found] == ["memory:///landing-urls/tickets/2024/03/2024-03-05.csv"]
    assert found[0].checksum.startswith("73cb3858a687")


def test_a_landing_root_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """A fresh lake has no landing folder yet, which is no error."""
    assert find_deliveries(str(tmp_path / "none"), TEMPLATE) == {}


@pytest.mark.parametrize(
    ("info", "checksum"),
    [
        ({"md5Hash": "1B2M2Y8AsgTpgAmY7PhCfg==", "etag": "CJi0="}, "d41d8cd98f00b204e9800998ecf8427e"),
        ({"ETag": '"d41d8cd98f00b204e9800998ecf8427e-3"'}, "d41d8cd98f00b204e9800998ecf8427e-3"),
        ({"content_settings": {"content_md5": bytes.fromhex("00ff" * 8)}, "etag": "0x8D"}, "00ff" * 8),
        ({"etag": "0x8DB"}, hashlib.sha256(b"0x8db").hexdigest()),
        ({"size": 3, "mtime": 1.0}, None),
    ],
)
def test_the_stores_own_checksum_is_used_where_it_has_one(info: dict[str, object], checksum: str | None) -> None:
    """MD5 before ETag, always hexadecimal at the front, and None for a store that only knows sizes."""
    assert stores_checksum(info) == checksum


@pytest.mark.parametrize(("template", "found"), [("tickets/%Y.csv", "tickets/%Y.csv"), ("t/%Y%m%d_%H.csv", "%H")])
def test_a_template_that_gives_no_date_is_refused(tmp_path: Path, template: str, found: str) -> None:
    """The error names the part that is wrong."""
    with pytest.raises(ContractError) as caught:
        find_deliveries(str(tmp_path), template)
    assert caught.value.value == found


def test_a_ready_marker_is_looked_for_below_the_dataset(tmp_path: Path) -> None:
    """The marker of a day is `<landing>/<dataset>/_ready/YYYY-MM-DD`."""
    lay(tmp_path, "tickets/_ready/2024-03-05", "")

    assert is_ready(str(tmp_path), "tickets", date(2024, 3, 5))
    assert not is_ready(str(tmp_path), "tickets", date(2024, 3, 6))


def test_two_thousand_files_are_listed_in_a_moment(tmp_path: Path) -> None:
    """Five years of days, hashed for the first time, take a second or so and not a minute."""
    for n in range(2_000):
        day = date.fromordinal(738_000 + n)
        lay(tmp_path, f"tickets/{day:%Y/%m/%Y-%m-%d}.csv")

    started = time.perf_counter()
    found = find_deliveries(str(tmp_path), TEMPLATE)

    assert len(found) == 2_000
    assert time.perf_counter() - started < 5


def test_with_days_asked_for_only_their_folders_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a few days doesn't cost the length of history; what is found is the same."""
    from fsspec.implementations.local import LocalFileSystem

    listed: list[str] = []
    find = LocalFileSystem.find
    monkeypatch.setattr(LocalFileSystem, "find", lambda self, path, **o: listed.append(path) or find(self, path, **o))
    for day in ("2024-01-31", "2026-02-28", "2026-03-01", "2026-03-02"):
        file = tmp_path / "tickets" / day[:4] / day[5:7] / f"{day}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(day)

    found = find_deliveries(str(tmp_path), "tickets/%Y/%m/%Y-%m-%d.csv", start=date(2026, 2, 28), end=date(2026, 3, 1))

    assert list(found) == [date(2026, 2, 28), date(2026, 3, 1)]
    assert [path.removeprefix(str(tmp_path)) for path in listed] == ["/tickets/2026/02", "/tickets/2026/03"]


@pytest.mark.parametrize("template", ["%Y-%m-%d.csv", "in/%Y%m%d/a-*.csv", "in/*/%Y/%m/%d.csv", "in/%d/%m/%Y.csv"])
def test_narrow_listings_find_what_wide_ones_do(tmp_path: Path, template: str) -> None:
    """Wherever the date stands in the path, and for many days."""
    first = date(2025, 11, 20)
    for number in range(100):
        day = first + timedelta(days=number)
        file = tmp_path / day.strftime(template).replace("*", "x")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(day))
    everything = find_deliveries(str(tmp_path), template)
    assert len(everything) == 100

    for start, end in ((date(2025, 12, 30), date(2026, 1, 2)), (date(2025, 12, 1), date(2026, 2, 20))):
        wanted = {day: files for day, files in everything.items() if start <= day <= end}
        assert find_deliveries(str(tmp_path), template, start=start, end=end) == wanted


def test_a_folder_that_varies_is_found_in_each_of_its_spellings(tmp_path: Path) -> None:
    """A star stands for what varies in a folder's name, `ignore_case` for its letters; others aren't looked into."""
    paths = ("call logs/call_logs_day_2024-03-05.csv", "Call Logs/CALL_logs_day_2024-03-06.csv.gz")
    files = [lay(tmp_path, path) for path in (*paths, "CALL_LOGS/call_logs_day_2024-03-07.CSV")]
    lay(tmp_path, "calls/call_logs_day_2024-03-08.csv")

    found = find_deliveries(str(tmp_path), "call*logs/call_logs_day_%Y-%m-%d.csv", ignore_case=True)
    assert [(day.day, delivery.path) for day, (delivery,) in found.items()] == [
        (day, str(file)) for day, file in zip((5, 6, 7), files, strict=True)
    ]
    exact = find_deliveries(str(tmp_path), "call*logs/call_logs_day_%Y-%m-%d.csv")
    assert list(exact) == [date(2024, 3, 5)]
