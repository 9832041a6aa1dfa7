"""`opslake exceptions`: counts per reason, rows, and one row whole."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from state.ledger import DayState, Ledger, Status
from tests.cli.conftest import Command
from tests.cli.tables import came, write_exceptions

RAW = json.dumps({"ticket_id": "T1", "priority": "Hgih", "_extra": None})
FIRST, SECOND, THIRD = "aaaaaa11" + "0" * 56, "aaaaaa22" + "0" * 56, "bbbbbb33" + "0" * 56


@pytest.fixture
def filled(root: Path) -> Path:
    """Three exceptions of two days: two reasons on one, a duplicate, a malformed record."""
    write_exceptions(
        root,
        {
            "exception_id": FIRST,
            "record_key": "T1",
            "reject_reasons": ["unknown_priority", "invalid_sla_hours"],
            "raw_record": RAW,
            **came(2, 7),
        },
        {
            "exception_id": SECOND,
            "record_key": "T2",
            "reject_reasons": ["duplicate_in_batch"],
            "raw_record": RAW,
            "status": "informational",
            **came(2, 8),
        },
        {
            "exception_id": THIRD,
            "reject_reasons": ["malformed_record"],
            "raw_record": 'T3,"never closed',
            **came(3, 1),
        },
    )
    return root


def test_counts_per_reason_come_first_then_the_rows(opslake: Command, filled: Path) -> None:
    """A record with two reasons counts for both and is one row; the latest day is first."""
    del filled
    answer = opslake("exceptions", "list", "tickets")
    counts, rows = answer.out.split("\n\n")

    assert answer.code == 0
    assert [line.split() for line in counts.splitlines()[1:]] == [
        ["duplicate_in_batch", "informational", "1"],
        ["invalid_sla_hours", "open", "1"],
        ["malformed_record", "open", "1"],
        ["unknown_priority", "open", "1"],
    ]
    assert [line.split() for line in rows.splitlines()[1:]] == [
        [THIRD[:12], "2026-03-03", "open", "2026-03-03.csv", "1", "malformed_record"],
        [FIRST[:12], "2026-03-02", "open", "2026-03-02.csv", "7", "T1", "unknown_priority,", "invalid_sla_hours"],
        [SECOND[:12], "2026-03-02", "informational", "2026-03-02.csv", "8", "T2", "duplicate_in_batch"],
    ]


def test_a_list_shows_no_raw_record(opslake: Command, filled: Path) -> None:
    """Neither to people nor to machines."""
    del filled
    assert "Hgih" not in opslake("exceptions", "list", "tickets").out
    assert "Hgih" not in opslake("exceptions", "list", "tickets", "--json").out


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--date", "2026-03-02"], [FIRST, SECOND]),
        (["--reason", "invalid_sla_hours"], [FIRST]),
        (["--status", "open"], [THIRD, FIRST]),
        (["--status", "informational", "--date", "2026-03-02"], [SECOND]),
        (["--status", "resolved"], []),
    ],
)
def test_filters_narrow_counts_and_rows(opslake: Command, filled: Path, options: list[str], ids: list[str]) -> None:
    """All that are given must hold."""
    del filled
    found = opslake("exceptions", "list", "tickets", "--json", *options).json

    assert [row["exception_id"] for row in found["rows"]] == ids
    assert found["total"] == len(ids)


def test_a_limit_is_told_and_leaves_the_counts_whole(opslake: Command, filled: Path) -> None:
    """One row of three, counts of all."""
    del filled
    answer = opslake("exceptions", "list", "tickets", "--limit", "1")

    assert "the latest 1 of 3" in answer.out
    assert answer.line("unknown_priority")


def test_a_dataset_without_exceptions_says_so(opslake: Command) -> None:
    """Also where there is no lake; exit code 0."""
    answer = opslake("exceptions", "list", "tickets")

    assert (answer.code, answer.out) == (0, "no exceptions\n")


def test_an_unknown_reason_dataset_or_status_is_wrong_usage(opslake: Command, filled: Path) -> None:
    """With the nearest that there is."""
    del filled
    reason = opslake("exceptions", "list", "tickets", "--reason", "unknown_prioriti")

    assert reason.code == 2
    assert "did you mean 'unknown_priority'?" in reason.err
    assert opslake("exceptions", "list", "tickts").code == 2
    assert opslake("exceptions", "list", "tickets", "--status", "closed").code == 2


@pytest.mark.parametrize("asked", [FIRST, "aaaaaa11", "AAAAAA11", "2026-03-02.csv:7", "03/2026-03-02.csv:7"])
def test_one_exception_is_shown_whole(opslake: Command, filled: Path, asked: str) -> None:
    """By its id, a beginning of it that fits no other, or file and record."""
    del filled
    answer = opslake("exceptions", "show", asked)

    assert answer.code == 0
    assert FIRST in answer.line("exception ")
    assert answer.line("record ", "7")
    assert answer.line("priority", "Hgih")
    assert opslake("exceptions", "show", asked, "--json").json[0]["raw_record"] == RAW


def test_a_malformed_record_is_shown_as_its_text(opslake: Command, filled: Path) -> None:
    """What an open quote swallowed is there."""
    del filled
    assert 'T3,"never closed' in opslake("exceptions", "show", "bbbbbb").out


def test_a_record_of_two_deliveries_is_shown_for_each(opslake: Command, filled: Path) -> None:
    """A corrected file has the same path."""
    again = {"exception_id": "cc" * 32, "reject_reasons": ["unknown_status"], "raw_record": "{}"}
    write_exceptions(filled, again | came(2, 7, delivery="f" * 12))

    found = opslake("exceptions", "show", "2026-03-02.csv:7", "--json").json

    assert {row["exception_id"] for row in found} == {FIRST, "cc" * 32}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("aaaaaa", "several exceptions begin like that"),
        ("dddddd", "no such exception"),
        ("2026-03-02.csv:99", "no such exception"),
        ("xyz", "that names no exception"),
    ],
)
def test_what_names_not_exactly_one_is_wrong_usage(opslake: Command, filled: Path, asked: str, told: str) -> None:
    """Exit code 2 and why."""
    del filled
    answer = opslake("exceptions", "show", asked)

    assert answer.code == 2
    assert told in answer.err


def test_open_exceptions_are_exported_with_what_to_do_next(opslake: Command, filled: Path, tmp_path: Path) -> None:
    """Oldest first, those that aren't open left out."""
    del filled
    answer = opslake("exceptions", "export", "tickets", "--to", str(tmp_path / "open.csv"))

    assert answer.code == 0
    assert "2 open exceptions in " in answer.out
    assert f"opslake exceptions replay tickets --file {tmp_path}/open.csv" in answer.out
    with (tmp_path / "open.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["exception_id"], row["logical_date"], row["reject_reason"]) for row in rows] == [
        (FIRST, "2026-03-02", "unknown_priority, invalid_sla_hours"),
        (THIRD, "2026-03-03", "malformed_record"),
    ]
    assert (rows[0]["priority"], rows[1]["malformed_text"]) == ("Hgih", 'T3,"never closed')


def test_an_export_never_overwrites_and_writes_no_empty_file(opslake: Command, filled: Path, tmp_path: Path) -> None:
    """Somebody's corrections may be in it."""
    del filled
    there, none = tmp_path / "there.csv", tmp_path / "none.csv"
    there.write_text("mine")

    refused = opslake("exceptions", "export", "tickets", "--to", str(there))
    empty = opslake("exceptions", "export", "tickets", "--to", str(none), "--date", "2026-03-04")

    assert (refused.code, there.read_text()) == (2, "mine")
    assert "there is a file of that name" in refused.err
    assert (empty.code, empty.out, none.exists()) == (0, "no open exceptions like that, so no file\n", False)
    assert opslake("exceptions", "export", "tickets", "--to", str(none), "--reason", "nonsense").code == 2
    assert opslake("exceptions", "export", "tickets", "--to", str(tmp_path / "no" / "folder.csv")).code == 2


def test_a_replay_without_anything_to_judge_says_so_and_starts_no_session(opslake: Command, root: Path) -> None:
    """Where there is no lake, and where what is open can't be judged again: a malformed record, a day held back."""
    assert opslake("exceptions", "replay", "tickets").out == "nothing to do\n"

    write_exceptions(
        root,
        {"exception_id": FIRST, "reject_reasons": ["malformed_record"], "raw_record": "a,b", **came(2, 1)},
        {"exception_id": SECOND, "reject_reasons": ["unknown_status"], "raw_record": RAW, **came(3, 1)},
    )
    Ledger(str(root)).put(DayState("tickets", date(2026, 3, 2), Status.SUCCEEDED, loaded=(f"{2:012x}",)))
    answer = opslake("exceptions", "replay", "tickets")

    assert answer.code == 0
    assert answer.out.splitlines()[:3] == [
        "nothing to do",
        "1 malformed record can only be corrected in a file (--file)",
        "1 open exception of deliveries that aren't in Silver: `opslake run` judges them again with their day",
    ]
    figures = opslake("exceptions", "replay", "tickets", "--json").json["replayed"]
    assert (figures["read"], figures["malformed"], figures["held"]) == (0, 1, 1)


def test_a_replay_of_something_else_is_wrong_usage(opslake: Command, filled: Path, tmp_path: Path) -> None:
    """A file beside filters, a file of another kind, an unknown reason."""
    del filled
    (tmp_path / "x.csv").write_text("ticket_id\nT1\n")
    both = opslake("exceptions", "replay", "tickets", "--file", "x.csv", "--date", "2026-03-02")
    wrong = opslake("exceptions", "replay", "tickets", "--file", str(tmp_path / "x.csv"))

    assert (both.code, wrong.code) == (2, 2)
    assert "a file names its exceptions itself" in both.err
    assert "no column says which exception a row corrects" in wrong.err
    assert opslake("exceptions", "replay", "tickets", "--reason", "nonsense").code == 2
    assert opslake("exceptions", "replay", "tickts").code == 2
