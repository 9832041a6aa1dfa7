"""Tables of few rows, committed from the driver with delta-rs: milliseconds where a Spark commit takes seconds.

A daily run changes a few thousand rows in a dozen tables. Bringing them to the driver is bounded by `driver_rows`;
beyond it Spark writes. Both write the same tables. A commit here lands only on the version that was looked at, so a run
that lost its lease can't add one after the new holder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable as RustTable
from deltalake import QueryBuilder, Schema, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.checks import Verdict
from spark_jobs.gold import Accepted, GoldTable, NotNull
from spark_jobs.lake import PROPERTIES, Fence, Lake, Layer, alone

REWRITTEN = 10
"""A commit on the driver touches files of at most so many times `driver_rows` rows."""


def collect(frame: DataFrame) -> pa.Table:
    """The frame's rows on the driver, every column nullable and times in UTC."""
    if hasattr(type(frame), "toArrow"):
        table: pa.Table = cast(Any, frame).toArrow()
    else:  # Spark 3.5 has it for its own conversion to pandas only
        from pyspark.sql.pandas.types import to_arrow_schema

        batches = cast(Any, frame)._collect_as_arrow()
        table = pa.Table.from_batches(batches) if batches else to_arrow_schema(frame.schema).empty_table()
    return table.cast(_plain(table.schema))


def frame_of(spark: SparkSession, rows: pa.Table) -> DataFrame:
    """Rows of the driver as a frame."""
    if hasattr(DataFrame, "toArrow"):
        return spark.createDataFrame(cast(Any, rows))
    from pyspark.sql.pandas.types import from_arrow_schema

    return spark.createDataFrame([tuple(row.values()) for row in rows.to_pylist()], from_arrow_schema(rows.schema))


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(f.name, _plain_type(f.type)) for f in schema])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Times in UTC; lists whose elements may be null, as Spark writes them whatever it knows of the elements."""
    if pa.types.is_list(kind):
        return pa.list_(pa.field("element", _plain_type(kind.value_type)))
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    if kind in (pa.string_view(), pa.large_string()):
        return pa.string()
    return pa.int64() if kind == pa.uint64() else kind


def rows_in(table: RustTable, where: str | None = None) -> int:
    """How many rows the table has by its log: all, or those in files that can hold rows of which `where` holds."""
    files = pa.table(table.get_add_actions(flatten=True)).select(["path", "num_records"]).to_pylist()
    wanted = None if where is None else {_file_name(uri) for uri in table.file_uris(file_pruning_predicate=where)}
    return sum(file["num_records"] or 0 for file in files if wanted is None or _file_name(file["path"]) in wanted)


def file_bytes(table: RustTable, rows: int) -> int | None:
    """The size of a file of so many rows, None where the table has no row to tell it."""
    files = pa.table(table.get_add_actions(flatten=True))
    held = pc.sum(files["num_records"]).as_py() or 0
    return max(1, rows * (pc.sum(files["size_bytes"]).as_py() or 0) // held) if held else None


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def changes(table: RustTable, span: tuple[int, int], at_most: int) -> pa.Table | None:
    """All images of rows changed after version `span[0]` up to `span[1]`, by the table's change feed.

    None where there are more than `at_most`, or where delta-rs can't read the feed.
    """
    found: list[pa.RecordBatch] = []
    number = 0
    try:
        reader = pa.RecordBatchReader.from_stream(table.load_cdf(starting_version=span[0] + 1, ending_version=span[1]))
        for batch in reader:
            number += batch.num_rows
            if number > at_most:
                return None
            found.append(batch)
    except (DeltaError, pa.ArrowException, OSError):  # Spark says what is wrong
        return None
    rows = pa.Table.from_batches(found, reader.schema)
    return rows.cast(_plain(rows.schema))


def existing(table: RustTable, shape: pa.Schema, predicate: str) -> pa.Table | None:
    """The table's rows for which `predicate` holds; None where its columns aren't those of `shape`."""
    held = pa.schema(table.schema().to_arrow())
    if [f.name for f in held] != shape.names or any(not _alike(held.field(f.name).type, f.type) for f in shape):
        return None
    return existing_columns(table, shape, predicate)


def existing_columns(table: RustTable, shape: pa.Schema, predicate: str) -> pa.Table:
    """The columns that `shape` names, of the rows for which `predicate` holds."""
    names = ", ".join(f'"{name}"' for name in shape.names)
    reader = QueryBuilder().register("t", table).execute(f"SELECT {names} FROM t WHERE {predicate}")
    batches = [pa.record_batch(batch) for batch in reader]
    return pa.Table.from_batches(batches).cast(shape) if batches else shape.empty_table()


def _alike(held: pa.DataType, wanted: pa.DataType) -> bool:
    text = (pa.string(), pa.large_string(), pa.string_view())
    return held == wanted or (held in text and wanted in text)


def compare(table: GoldTable, new: pa.Table, old: pa.Table | None, slice_column: str | None) -> Verdict:
    """The same verdict as `checks.compare`, over rows that are here."""
    errors, warnings = _findings(table, new)
    return Verdict(_differing(new, old, slice_column), new.num_rows, tuple(errors), tuple(warnings))


def _findings(table: GoldTable, new: pa.Table) -> tuple[list[str], list[str]]:
    grain = ", ".join(table.grain)
    errors: list[str] = []
    warnings: list[str] = []
    counted = new.group_by(list(table.grain)).aggregate([([], "count_all")])
    repeated = counted.filter(pc.greater(counted["count_all"], 1))
    if repeated.num_rows:
        shown = ", ".join(str(row) for row in repeated.slice(0, 3).to_pylist())
        errors.append(f"{table.name}: more than one row per ({grain}): {shown}")
    nulls = sum(new[name].null_count for name in table.grain if name not in table.nullable)
    if nulls:
        errors.append(f"{table.name}: {nulls} rows with a null in ({grain})")
    for check in table.row_checks:
        wrong = _broken(check, new[check.column])
        if wrong:
            text = f"{table.name}: {wrong} rows whose {check.column} {check.broken}"
            (errors if check.severity == "error" else warnings).append(text)
    return errors, warnings


def _broken(check: Accepted | NotNull, values: pa.ChunkedArray) -> int:
    """How many of the values don't hold."""
    if isinstance(check, NotNull):
        return cast(int, values.null_count)
    listed = pc.is_in(values, value_set=pa.array([*check.values, None], pa.string()))
    return len(values) - cast(int, pc.sum(listed).as_py() or 0)


def _differing(new: pa.Table, old: pa.Table | None, slice_column: str | None) -> tuple[object, ...]:
    """The slices that aren't equal, each once; (None,) for a difference in a table without slices."""
    rows = [new.append_column("_weight", pa.array([1] * new.num_rows, pa.int64()))]
    if old is not None:
        rows.append(old.append_column("_weight", pa.array([-1] * old.num_rows, pa.int64())))
    summed = _flat(pa.concat_tables(rows)).group_by(new.column_names).aggregate([("_weight", "sum")])
    different = summed.filter(pc.not_equal(summed["_weight_sum"], 0))
    if slice_column is None:
        return (None,) if different.num_rows or old is None else ()
    return tuple(sorted(different[slice_column].unique().to_pylist()))


def _flat(rows: pa.Table) -> pa.Table:
    """The rows with lists as text: Arrow can't group by a list."""
    for at, column in enumerate(rows.schema):
        if pa.types.is_nested(column.type):
            texts = [None if value is None else json.dumps(value, default=str) for value in rows[at].to_pylist()]
            rows = rows.set_column(at, column.name, pa.array(texts, pa.string()))
    return rows


def commit(
    lake: Lake,
    layer: Layer,
    name: str,
    seen: RustTable | None,
    rows: pa.Table,
    fence: Fence,
    *,
    facts: Mapping[str, object],
    predicate: str | None = None,
    append: bool = False,
    new_schema: bool = False,
    file_bytes: int | None = None,
    partition_by: Sequence[str] = (),
    properties: Mapping[str, str] | None = None,
) -> None:
    """Put `rows` in the place of what the predicate (none: everything) selects, on top of the version `seen`.

    `append` adds them, with columns that the table lacks. A table that isn't there is made with `partition_by` and
    `properties`. Files end at about `file_bytes`.

    Raises `EngineError` when somebody else has committed since.
    """
    mode = "append" if append else "overwrite"
    options: dict[str, Any] = {"mode": mode, "commit_properties": fence.properties(**facts)}
    options["target_file_size"] = file_bytes
    if append:
        options["schema_mode"] = "merge"
    if seen is None:
        options["configuration"] = {**PROPERTIES, **(properties or {})}
        options["partition_by"] = list(partition_by) or None
        options["storage_options"] = lake.storage_options
    if predicate is not None:
        options["predicate"] = predicate
    if new_schema:
        options["schema_mode"] = "overwrite"
    with alone(layer, name):
        write_deltalake(seen if seen is not None else lake.path(layer, name), rows, **options)


def commit_files(
    lake: Lake,
    layer: Layer,
    name: str,
    files: Sequence[AddAction],
    shape: pa.Schema,
    fence: Fence,
    *,
    facts: Mapping[str, object],
    partition_by: Sequence[str],
    properties: Mapping[str, str],
) -> None:
    """Add files that lie in the table's folder already; columns of `shape` that the table lacks come first.

    A table that isn't there is made with `partition_by` and `properties`. Raises as `commit` does.
    """
    seen = lake.look(layer, name)
    message = fence.properties(**facts)
    with alone(layer, name):
        if seen is None:
            create_table_with_add_actions(
                lake.path(layer, name),
                Schema.from_arrow(shape),
                list(files),
                mode="error",
                partition_by=list(partition_by),
                configuration={**PROPERTIES, **properties},
                storage_options=lake.storage_options,
                commit_properties=message,
            )
            return
        held = {field.name for field in seen.schema().fields}
        missing = [field for field in Schema.from_arrow(shape).fields if field.name not in held]
        if missing:
            seen.alter.add_columns(missing, commit_properties=message)
        columns = list(partition_by)
        seen.create_write_transaction(list(files), "append", seen.schema(), columns, commit_properties=message)


def shape_of(table: RustTable) -> pa.Schema:
    """The table's columns as they come from Spark."""
    return _plain(pa.schema(table.schema().to_arrow()))


def strangers(rows: pa.Table, column: str, held: RustTable | None, to: str) -> int:
    """How many rows name something in `column` that the table (none: nothing) doesn't hold in `to`; null names nothing.

    What it holds is streamed and not kept.
    """
    missing = rows[column].drop_null().unique()
    if held is not None and len(missing):
        for batch in QueryBuilder().register("t", held).execute(f'SELECT "{to}" FROM t'):
            found = pa.record_batch(batch).column(0).cast(missing.type)
            missing = missing.filter(pc.invert(pc.is_in(missing, value_set=found)))
    return cast(int, pc.sum(pc.is_in(rows[column], value_set=missing)).as_py() or 0)
