"""`opslake sample`: deliveries to try the lake with."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.cli.conftest import Command

SMALL = ("--start", "2026-03-01", "--days", "2", "--tickets-per-day", "10", "--seed", "4")


def test_it_says_what_was_written_and_where_the_truth_lies(opslake: Command, tmp_path: Path) -> None:
    """Figures per dataset, the folder of the truth, and what to do next."""
    out = tmp_path / "sample"
    answer = opslake("sample", "--out", str(out), *SMALL)

    assert answer.code == 0
    assert answer.line("tickets ", " 0")
    assert str(out / "_truth") in answer.out
    assert f"opslake --landing {out} --lake LAKE backfill --start 2026-03-01 --end 2026-03-02" in answer.out
    assert (out / "tickets/2026/03/2026-03-02.csv").exists()


def test_without_dirt_nothing_is_rejected(opslake: Command, tmp_path: Path) -> None:
    """And the files can be read by anything."""
    out = tmp_path / "sample"
    found = opslake("sample", "--out", str(out), *SMALL, "--no-dirt", "--json").json

    assert found["truth"] == str(out / "_truth")
    assert found["totals"]["tickets"]["rejected"] == 0
    files = sorted(out.glob("tickets/2026/03/*.csv"))
    rows = [row for file in files for row in csv.DictReader(file.open(newline=""))]
    assert len(rows) == found["totals"]["tickets"]["read"]


def test_it_writes_only_the_datasets_that_were_asked_for(opslake: Command, tmp_path: Path) -> None:
    """All of them by default; an unknown one is wrong usage, and nothing is written."""
    some, every = tmp_path / "some", tmp_path / "every"
    found = opslake("sample", "--out", str(some), *SMALL, "--dataset", "calls", "--dataset", "tickets", "--json").json
    opslake("sample", "--out", str(every), *SMALL)

    assert sorted(found["totals"]) == ["calls", "tickets"]
    assert sorted(path.name for path in some.iterdir()) == ["_truth", "calls", "tickets"]
    assert {path.name for path in every.iterdir()} >= {
        "tickets", "agents_master", "calls", "agent_events", "agent_identity",
    }  # fmt: skip
    assert opslake("sample", "--out", str(tmp_path / "fax"), *SMALL, "--dataset", "fax").code == 2
    assert not (tmp_path / "fax").exists()


def test_a_skipped_day_has_no_file(opslake: Command, tmp_path: Path) -> None:
    """Its tickets come a day later."""
    out = tmp_path / "sample"
    opslake("sample", "--out", str(out), *SMALL, "--skip", "2026-03-01")

    assert [file.name for file in sorted(out.glob("tickets/2026/03/*"))] == ["2026-03-02.csv"]


def test_the_same_sample_again_is_the_same_and_another_is_refused(opslake: Command, tmp_path: Path) -> None:
    """Left-over files would make the truth wrong: exit code 2, and nothing is changed."""
    out = tmp_path / "sample"
    opslake("sample", "--out", str(out), *SMALL)
    truth = (out / "_truth/sample.json").read_text()

    assert opslake("sample", "--out", str(out), *SMALL).code == 0
    assert opslake("sample", "--out", str(out), *SMALL[:-1], "5").code == 2
    assert json.loads((out / "_truth/sample.json").read_text()) == json.loads(truth)


def test_a_directory_with_other_things_is_refused(opslake: Command, tmp_path: Path) -> None:
    """A landing root in use isn't mixed with a sample."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used/file").write_text("mine")

    assert opslake("sample", "--out", str(tmp_path / "used"), *SMALL).code == 2
