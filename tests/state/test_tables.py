from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable

from spark_jobs.errors import EngineError
from state.tables import GOLD_PROGRESS, RUNS, open_or_create, open_table, read_rows, replace_rows, swap
from tests.state.processes import ROOT, begin, end, hear, say

ROW = {c.name: None for c in RUNS.columns}

CREATE = """
import sys
from state.tables import STATE_TABLES, open_or_create
print("ready", flush=True)
sys.stdin.readline()
print(sum(open_or_create(sys.argv[1], table).version() for table in STATE_TABLES), flush=True)
"""


def test_eight_processes_that_create_the_tables_at_once_make_each_once(tmp_path: Path) -> None:
    """All of them see version 0 of all tables, and none fails."""
    processes = [begin(CREATE, str(tmp_path)) for _ in range(8)]
    for process in processes:
        say(process)

    assert [hear(process) for process in processes] == ["0"] * 8
    assert [end(process) for process in processes] == [(0, "")] * 8
    assert len(list((tmp_path / "state/lease/_delta_log").glob("*.json"))) == 1


def test_a_swap_on_an_older_version_changes_nothing(tmp_path: Path) -> None:
    """Whoever looked before somebody else's commit must look again, even where the rows are others."""
    early = open_or_create(str(tmp_path), RUNS)
    replace_rows(str(tmp_path), RUNS, [{**ROW, "run_id": "a"}], "run_id = 'a'")

    assert not swap(early, RUNS, [{**ROW, "run_id": "b"}], "run_id = 'b'")
    early.update_incremental()
    assert swap(early, RUNS, [{**ROW, "run_id": "b"}], "run_id = 'b'")
    assert [row["run_id"] for row in read_rows(early, RUNS, tail="ORDER BY run_id")] == ["a", "b"]


def test_replace_rows_says_which_version_it_made(tmp_path: Path) -> None:
    """Creation is version 0, so the first rows are version 1."""
    assert replace_rows(str(tmp_path), RUNS, [{**ROW, "run_id": "a"}], "run_id = 'a'") == 1
    assert DeltaTable(f"{tmp_path}/state/runs").version() == 1


def test_columns_of_later_versions_are_null_in_rows_and_in_conditions(tmp_path: Path) -> None:
    """A table that an earlier version of this package made is read as it lies there, and widened when it is written."""
    early = replace(RUNS, columns=tuple(c for c in RUNS.columns if c.name not in ("loads", "error")))
    replace_rows(str(tmp_path), early, [{c.name: None for c in early.columns} | {"run_id": "a"}], "run_id = 'a'")
    held = open_table(str(tmp_path), RUNS)
    assert held is not None
    assert read_rows(held, RUNS, "loads IS NOT FALSE AND error IS NULL") == [{**ROW, "run_id": "a"}]
    assert read_rows(held, RUNS, columns=["run_id", "loads"]) == [{"run_id": "a", "loads": None}]
    replace_rows(str(tmp_path), RUNS, [{**ROW, "run_id": "b", "loads": False}], "run_id = 'b'")
    held.update_incremental()
    assert [row["run_id"] for row in read_rows(held, RUNS, "loads IS NOT FALSE")] == ["a"]


def test_a_table_that_is_not_there_is_none_and_a_broken_one_an_error(tmp_path: Path) -> None:
    """A damaged log must not pass for an empty lake."""
    assert open_table(str(tmp_path), GOLD_PROGRESS) is None
    log = tmp_path / "state/gold_progress/_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("{broken")

    with pytest.raises(EngineError, match="gold_progress"):
        open_table(str(tmp_path), GOLD_PROGRESS)


def test_the_state_package_imports_neither_pyspark_nor_pyarrow() -> None:
    """The trigger function and `opslake status` start without a JVM and without heavy packages."""
    names = sorted(path.stem for path in (ROOT / "state").glob("*.py") if path.stem != "__init__")
    script = "import sys, importlib\nfor name in sys.argv[1:]: importlib.import_module('state.' + name)\n"
    script += "sys.exit(', '.join({'pyspark', 'py4j', 'pyarrow', 'pandas'} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", script, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.stderr.strip() == ""
