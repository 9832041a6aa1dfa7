"""`land`: an export of many days becomes a delivery per day, in a folder and in both stores."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from fsspec import AbstractFileSystem

from state.landing import find_deliveries, is_ready
from state.stores import open_files
from tests.stores.servers import ROOT, Store

HEADER = "ticket_id,created_at,subject\n"
FIRST, DAYS = date(2024, 1, 22), 20
KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from spark_jobs.contract import load_contracts
from spark_jobs.land import split, upload, uploading

export, landing, work, step = sys.argv[1:]


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def put(*args):
    if next(puts) == 8:
        die()
    return really_put(*args)


puts, really_put, uploading._put = itertools.count(1), uploading._put, put
contract = load_contracts()["tickets"]
told = {"told": die} if step == "split" else {}
parts = split(export, contract, "created_at", zone=ZoneInfo("UTC"), work=Path(work), **told)
upload(parts, contract, landing, "export", threads=4)
"""


def _record(number: int) -> tuple[date, str]:
    """A record of an export that isn't in the order of its days; some have line breaks inside of quotes."""
    day = FIRST + timedelta(days=number * 7 % DAYS)
    subject = ('"two\nlines, one ""record"""', "plain", '"three\r\n\nlines"')[number % 3]
    return day, f"T{number},{day.isoformat()} 10:{number % 60:02d}:00,{subject}\n"


def _export(folder: Path, records: int = 200) -> tuple[Path, dict[str, str]]:
    """An export, and what each day's delivery must hold."""
    rows = [_record(n) for n in range(records)]
    path = folder / "export.csv"
    path.write_bytes((HEADER + "".join(text for _, text in rows)).encode())
    days = sorted({day for day, _ in rows})
    return path, {
        f"tickets/{day:%Y/%m/%Y-%m-%d}.csv": HEADER + "".join(text for other, text in rows if other == day)
        for day in days
    }


def _opslake(landing: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from spark_jobs.cli import main; main()", "--landing", landing]
    return subprocess.run([*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)


def _lying(landing: str, below: str = "tickets") -> dict[str, str]:
    """Every file below the landing root, but for hidden ones and markers."""
    files, root = open_files(landing)
    found = {str(p)[len(root) + 1 :]: files.cat_file(p).decode() for p in files.find(f"{root}/{below}")}
    return {path: text for path, text in found.items() if "/_ready/" not in path and "/." not in path}


def _identity(files: AbstractFileSystem, path: str) -> tuple[object, ...]:
    """What changes when an object is put again."""
    info = files.info(path)
    return tuple(str(info.get(name)) for name in ("generation", "LastModified", "VersionId", "ino", "mtime"))


@pytest.fixture(params=["folder", "gs", "s3a"])
def landing(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty landing root of each kind."""
    if request.param == "folder":
        return str(tmp_path / "landing")
    found: Store = request.getfixturevalue("_google" if request.param == "gs" else "_amazon")
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found.uri("landings", tmp_path.name)


def test_every_record_lies_in_the_file_of_its_day_as_it_stood_in_the_export(landing: str, tmp_path: Path) -> None:
    """Line breaks inside of quotes too; each day is a delivery that a run finds, and has its ready marker."""
    export, expected = _export(tmp_path)
    done = _opslake(landing, "land", export, "--dataset", "tickets", "--by", "created_at", "--json")
    assert done.returncode == 0, done.stderr
    assert _lying(landing) == expected
    told = json.loads(done.stdout)
    assert (told["records"], sorted(told["put"]), told["there"]) == (200, sorted(expected), [])
    days = find_deliveries(landing, "tickets/%Y/%m/%Y-%m-%d.csv")
    assert list(days) == [FIRST + timedelta(days=n) for n in range(DAYS)]
    assert all(is_ready(landing, "tickets", day) for day in days)
    assert not is_ready(landing, "tickets", FIRST - timedelta(days=1))


@pytest.mark.parametrize("step", ["split", "put"])
def test_a_landing_that_was_killed_is_ended_by_the_same_command(landing: str, tmp_path: Path, step: str) -> None:
    """No half of a file is ever seen, no marker is there before the last file, and no file is put a second time."""
    export, expected = _export(tmp_path)
    work = tmp_path / "work"
    arguments = (str(export), landing, str(work), step)
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    files, root = open_files(landing)
    left = _lying(landing) if files.exists(root) else {}
    assert left.items() <= expected.items()
    assert (0 < len(left) < len(expected)) == (step == "put")
    assert not any(is_ready(landing, "tickets", FIRST + timedelta(days=n)) for n in range(DAYS))
    before = {path: _identity(files, f"{root}/{path}") for path in left}

    ended = _opslake(landing, "land", export, "--dataset", "tickets", "--by", "created_at", "--work", work, "--json")
    assert ended.returncode == 0, ended.stderr
    assert _lying(landing) == expected
    assert sorted(json.loads(ended.stdout)["there"]) == sorted(left)
    assert {path: _identity(files, f"{root}/{path}") for path in left} == before
    assert all(is_ready(landing, "tickets", FIRST + timedelta(days=n)) for n in range(DAYS))
    assert list(work.iterdir()) == []
    assert not [path for path in files.find(root) if path.rpartition("/")[2].startswith(".")]


def test_a_file_that_a_death_left_with_two_names_keeps_its_own(tmp_path: Path) -> None:
    """In a folder a file is written under a hidden name, and for a moment it has both."""
    export, expected = _export(tmp_path)
    landing = tmp_path / "landing"
    command = ("land", export, "--dataset", "tickets", "--by", "created_at")
    assert _opslake(str(landing), *command).returncode == 0
    whole = landing / min(expected)
    hidden = whole.with_name(f".{whole.name}.landing")
    hidden.hardlink_to(whole)
    assert _opslake(str(landing), *command).returncode == 0
    assert not hidden.exists()
    assert whole.read_bytes().decode() == expected[min(expected)]


def test_another_delivery_that_lies_there_is_kept_unless_it_shall_be_replaced(landing: str, tmp_path: Path) -> None:
    """Nothing at all is put where a single day would be overwritten; --replace makes the export its correction."""
    export, expected = _export(tmp_path)
    files, root = open_files(landing)
    taken = min(expected)
    files.makedirs(f"{root}/{taken.rpartition('/')[0]}", exist_ok=True)
    files.pipe_file(f"{root}/{taken}", b"somebody else's")
    command = ("land", export, "--dataset", "tickets", "--by", "created_at")
    refused = _opslake(landing, *command)
    assert refused.returncode == 2
    assert taken in refused.stderr
    assert _lying(landing) == {taken: "somebody else's"}
    assert _opslake(landing, *command, "--replace").returncode == 0
    assert _lying(landing) == expected


UNREADABLE = [
    "T1,2024-01-01 10:00:00,good\n",
    "T2,yesterday,no date\n",
    "T3,,none\n",
    "T4,2024-02-30 10:00:00,no such day\n",
    "too,few\n",
    'T5,"2024-01-01 10:00:00"x,text behind a quote\n',
    "T6,2024-01-02 10:00:00,good\n",
]


def test_records_whose_day_cant_be_read_go_to_a_file_of_their_own(tmp_path: Path) -> None:
    """It is told how many they are and where they lie; no run takes that file for a delivery."""
    export, landing = tmp_path / "all.csv", str(tmp_path / "landing")
    export.write_text(HEADER + "".join(UNREADABLE), encoding="utf-8")
    done = _opslake(landing, "land", export, "--dataset", "tickets", "--by", "created_at")
    assert done.returncode == 0, done.stderr
    lying = _lying(landing)
    (aside,) = [path for path in lying if "/_undated/" in path]
    assert lying == {
        "tickets/2024/01/2024-01-01.csv": HEADER + UNREADABLE[0],
        "tickets/2024/01/2024-01-02.csv": HEADER + UNREADABLE[6],
        aside: HEADER + "".join(UNREADABLE[1:6]),
    }
    shown = " ".join(done.stdout.split())
    assert "5 records have no created_at that can be read" in shown
    assert aside in shown.replace(" ", "")
    assert len(find_deliveries(landing, "tickets/%Y/%m/%Y-%m-%d.csv")) == 2


def test_records_whose_day_cant_be_read_go_to_the_day_that_is_named(tmp_path: Path) -> None:
    """With --undated they are part of a delivery, in the export's order, and a run says what is wrong with them."""
    export, landing = tmp_path / "all.csv", str(tmp_path / "landing")
    export.write_text(HEADER + "".join(UNREADABLE), encoding="utf-8")
    options = ("--dataset", "tickets", "--by", "created_at", "--undated", "2024-01-02")
    assert _opslake(landing, "land", export, *options).returncode == 0
    assert _lying(landing) == {
        "tickets/2024/01/2024-01-01.csv": HEADER + UNREADABLE[0],
        "tickets/2024/01/2024-01-02.csv": HEADER + "".join(UNREADABLE[1:]),
    }


def test_a_day_is_one_of_the_business_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An evening in UTC is the next day in India; an offset of the value's own counts."""
    monkeypatch.setenv("OPSLAKE_BUSINESS_TIMEZONE", "Asia/Kolkata")
    export, landing = tmp_path / "all.csv", str(tmp_path / "landing")
    rows = [
        "T1,2024-01-01 18:29:59,a\n",
        "T2,2024-01-01 18:30:00,b\n",
        "T3,2024-01-02T00:15:00+05:30,c\n",
        "T4,1/1/24 18:30,d\n",
    ]
    export.write_text(HEADER + "".join(rows), encoding="utf-8")
    assert _opslake(landing, "land", export, "--dataset", "tickets", "--by", "created_at").returncode == 0
    assert _lying(landing) == {
        "tickets/2024/01/2024-01-01.csv": HEADER + rows[0],
        "tickets/2024/01/2024-01-02.csv": HEADER + "".join(rows[1:]),
    }


def test_bytes_that_cant_be_decoded_stay_what_they_are(tmp_path: Path) -> None:
    """A damaged record reaches its day as it was delivered, so that the run can show it."""
    export, landing = tmp_path / "all.csv", tmp_path / "landing"
    row = b"T1,2024-01-01 10:00:00,caf\xe9\n"
    export.write_bytes(HEADER.encode() + row)
    assert _opslake(str(landing), "land", export, "--dataset", "tickets", "--by", "created_at").returncode == 0
    assert (landing / "tickets/2024/01/2024-01-01.csv").read_bytes() == HEADER.encode() + row


def test_a_column_that_is_no_date_is_refused_with_those_that_are(tmp_path: Path) -> None:
    """The message names the columns that give a day."""
    export = tmp_path / "all.csv"
    export.write_text(HEADER, encoding="utf-8")
    done = _opslake(str(tmp_path / "landing"), "land", export, "--dataset", "tickets", "--by", "subject")
    assert done.returncode == 2
    assert "created_at" in " ".join(done.stderr.split())
