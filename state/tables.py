"""The state tables: their schemas, and how they are opened, created, read and changed.

Every change is one Delta commit that succeeds only on the version that it was based on (compare and swap), so that
processes and machines share the tables without any other lock.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from arro3.core import Table
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from spark_jobs.errors import EngineError, first_line
from state.columns import Column, Row, arrow_schema, arrow_table, python_rows
from state.stores import delta_options

Confirm = Callable[[], None]

TRIES = 40
COMPACT_EVERY = 32  # versions; each put of a new day adds a small file
VACUUM_EVERY = 64  # versions
WEEK_HOURS = 168  # readers elsewhere may still be on an older version

_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # threads of one process queue, not collide


@dataclass(frozen=True)
class StateTable:
    """A table at `<lake>/state/<name>`; `keep_hours` is how long replaced files stay."""

    name: str
    columns: tuple[Column, ...]
    keep_hours: int = WEEK_HOURS
    configuration: Mapping[str, str] = field(default_factory=dict)


CLASSES = ("inserted", "updated", "unchanged", "stale", "duplicates", "rejected", "absent", "deleted")

INGESTION_STATE = StateTable(
    "ingestion_state",
    (
        Column("dataset", required=True),
        Column("logical_date", "date", required=True),
        Column("status", required=True),
        Column("attempt", "bigint"),
        Column("run_id"),
        Column("rows_read", "bigint"),
        Column("rows_ingested", "bigint"),
        *(Column(f"rows_{name}", "bigint") for name in CLASSES),
        Column("warnings"),
        Column("deliveries", "deliveries"),
        Column("loaded", "strings"),
        Column("silver_version", "bigint"),
        Column("started_at", "timestamp"),
        Column("finished_at", "timestamp"),
        Column("duration_seconds", "double"),
        Column("ingestion_timestamp", "timestamp"),
        Column("error_class"),
        Column("error_message"),
        Column("accepted_rejects", "boolean"),
        Column("gold_pending", "boolean"),
        Column("replayed", "strings"),
        Column("tokens", "strings"),  # of the deliveries, in their order
    ),
)
RUNS = StateTable(
    "runs",
    (
        Column("run_id", required=True),
        Column("command"),
        Column("started_at", "timestamp"),
        Column("finished_at", "timestamp"),
        Column("duration_seconds", "double"),
        Column("exit_code", "bigint"),
        Column("lease_number", "bigint"),
        Column("host"),
        Column("opslake_version"),
        Column("spark_version"),
        Column("figures"),
        Column("error"),
        Column("loads", "boolean"),
    ),
)
GOLD_PROGRESS = StateTable(
    "gold_progress",
    (
        Column("gold_table", required=True),
        Column("consumed"),
        Column("horizon", "date"),
        Column("lease_number", "bigint"),
        Column("fingerprint"),
        Column("table_version", "bigint"),
        Column("status"),
        Column("message"),
        Column("run_id"),
        Column("updated_at", "timestamp"),
    ),
)
LEASE = StateTable(
    "lease",
    (
        Column("holder", required=True),
        Column("run_id"),
        Column("number", "bigint"),
        Column("acquired_at", "timestamp"),
        Column("heartbeat_at", "timestamp"),
        Column("expires_at", "timestamp"),
        Column("host"),
        Column("pid", "bigint"),
        Column("command"),
        Column("released", "boolean"),
    ),
    keep_hours=1,
    # A heartbeat is a commit: without these a year's beats would lie in the log and their files in its checkpoints.
    configuration={
        "delta.logRetentionDuration": "interval 6 hours",
        "delta.deletedFileRetentionDuration": "interval 1 hours",
    },
)
NOTIFICATIONS = StateTable(
    "notifications",
    (
        Column("event_key", required=True),
        Column("event"),
        Column("subject"),
        Column("receiver", required=True),
        Column("sent_at", "timestamp"),
        Column("run_id"),
        Column("over_at", "timestamp"),
    ),
)
FORGOTTEN = StateTable(
    "forgotten",
    (
        Column("id_hash", required=True),
        Column("key_check"),
        Column("sources", "strings"),
        Column("is_done", "boolean"),
        Column("asked_at", "timestamp"),
        Column("run_id"),
    ),
)
STATE_TABLES = (INGESTION_STATE, RUNS, GOLD_PROGRESS, LEASE, NOTIFICATIONS, FORGOTTEN)


def state_uri(root: str, table: StateTable) -> str:
    """Where the table lies in the lake at `root`."""
    return f"{root.rstrip('/')}/state/{table.name}"


def open_table(root: str, table: StateTable) -> DeltaTable | None:
    """A handle on the table's latest version, or None where the lake doesn't have it yet; creates nothing."""
    uri = state_uri(root, table)
    try:
        return DeltaTable(uri, storage_options=delta_options(uri))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise EngineError("a state table can't be opened", where=uri, value=str(error)) from error


def open_or_create(root: str, table: StateTable) -> DeltaTable:
    """A handle on the table; of processes that create it at once one does and the others open what it made."""
    opened = open_table(root, table)
    if opened is not None:
        return opened
    uri = state_uri(root, table)
    try:
        DeltaTable.create(
            uri,
            schema=arrow_schema(table.columns),
            configuration={
                "delta.checkpointInterval": "10",
                "delta.checkpoint.writeStatsAsStruct": "true",  # BigQuery reads these
                **table.configuration,
            },
            storage_options=delta_options(uri),
            commit_properties=CommitProperties(max_commit_retries=0),  # a retry would write the metadata once more
        )
    except DeltaError as error:
        refused: DeltaError | None = error  # most likely another process was faster
    else:
        refused = None
    opened = open_table(root, table)
    if opened is None:
        raise EngineError("a state table can't be created", where=uri, value=str(refused)) from refused
    return opened


def read_rows(
    handle: DeltaTable, table: StateTable, where: str = "TRUE", tail: str = "", columns: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The rows of the handle's version for which the SQL expression holds; `tail` may order and limit them.

    `columns` are those to read, all by default. A column that the table doesn't have yet, since an earlier version of
    this package made it, is null.
    """
    names = ", ".join(columns or [c.name for c in table.columns])
    nulls = "".join(f", NULL AS {name}" for name in _lacking(handle, table))
    source = f"(SELECT *{nulls} FROM state)" if nulls else "state"
    sql = f"SELECT {names} FROM {source} WHERE {where} {tail}"
    try:
        return python_rows(Table.from_arrow(QueryBuilder().register("state", handle).execute(sql)))
    except Exception as error:  # a store that fails amid the reading comes through Arrow as a bare Exception
        raise EngineError("a state table can't be read", where=handle.table_uri, value=first_line(error)) from error


def _lacking(handle: DeltaTable, table: StateTable) -> list[str]:
    """The columns that were added to the declaration after the table was made."""
    held = {f.name for f in handle.schema().fields}
    return [c.name for c in table.columns if c.name not in held]


def swap(handle: DeltaTable, table: StateTable, rows: Sequence[Row], predicate: str | None = None) -> bool:
    """One commit that puts `rows` in the place of those the predicate names (None: of all).

    False, with nothing changed, when somebody committed since the handle was opened or updated. A table that an
    earlier version of this package made gets the columns that it lacks.
    """
    wider: dict[str, Any] = {"schema_mode": "merge"} if _lacking(handle, table) else {}
    try:
        write_deltalake(
            handle,
            arrow_table(table.columns, rows),
            mode="overwrite",
            predicate=predicate,
            commit_properties=CommitProperties(max_commit_retries=0),
            **wider,
        )
    except CommitFailedError:
        return False
    _tend(handle, table)
    return True


def replace_rows(
    root: str,
    table: StateTable,
    rows: Sequence[Row],
    predicate: str,
    confirm: Confirm | None = None,
) -> int:
    """Puts `rows` in the place of those that the predicate names, in one commit; the version of that commit.

    Every row must satisfy the predicate. Tried again, a bounded number of times, when others commit meanwhile.
    `confirm` is called before each try and stops it by raising: a run that lost its lease writes nothing more.
    """
    uri = state_uri(root, table)
    for turn in range(TRIES):
        with _locks[uri]:
            handle = open_or_create(root, table)
            before = handle.version()
            if confirm is not None:
                confirm()
            if swap(handle, table, rows, predicate):
                return before + 1
        pause(turn)
    raise EngineError(
        f"the state table changed under each of {TRIES} tries to write it", where=uri, hint="try again in a minute"
    )


def pause(turn: int) -> None:
    """Waits a little before the next try, at random and longer each time: up to half a second."""
    time.sleep(random.uniform(0.001, min(0.5, 0.01 * 2**turn)))


def literal(value: str | date) -> str:
    """`value` as a SQL literal."""
    return f"DATE '{value.isoformat()}'" if isinstance(value, date) else "'" + value.replace("'", "''") + "'"


def _tend(handle: DeltaTable, table: StateTable) -> None:
    """Keeps the table quick to open: few files, and of replaced ones only the recent."""
    version = handle.version()
    try:
        if version % VACUUM_EVERY == 0:
            handle.vacuum(retention_hours=table.keep_hours, dry_run=False, enforce_retention_duration=False, full=True)
        elif version % COMPACT_EVERY == 0:
            handle.optimize.compact()
    except (DeltaError, OSError):
        pass  # only housekeeping: the commit stands, and the next turn does it
