"""`opslake forget`: what the lake knows of some customers goes, from every layer, and what they did stays counted.

In an order in which a kill leaves nothing that can't be found again: first the hashes of the ids, so that no load
brings them back; then texts, which are searched for the customers' names and addresses as well; then what they did;
and at last the customers' own records, where these names stand. Each step looks for what is left, so the same command
goes on where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs import bronze
from spark_jobs.contract import Contract
from spark_jobs.contract.formats import SERVED
from spark_jobs.errors import UsageError
from spark_jobs.exception_export import ID
from spark_jobs.forgotten import Forgotten, forgotten_of
from spark_jobs.inventory import unknown_tables
from spark_jobs.lake import Fence, Lake, Layer, days_sql
from spark_jobs.log import log
from spark_jobs.planning import delivery_id
from spark_jobs.rules import BLANKS, MALFORMED
from spark_jobs.session import new_session
from spark_jobs.settings import Settings
from spark_jobs.silver_table import refuse_unfit
from spark_jobs.whose import (
    Customers,
    has_their_header,
    in_exceptions,
    is_theirs,
    names_them,
    personal_values,
    unknown_columns,
    without_them,
)
from state.forgotten import FORGOTTEN_HEADER, FORGOTTEN_WORD, ForgottenId, ForgottenIds, erase_texts
from state.landing import find_deliveries
from state.ledger import Ledger

RECORD = ("_logical_date", "_delivery", "_source_file", "_row_number")


@dataclass
class Forgot:
    """Rows that were changed or removed per table, and what the lake's owner has to delete elsewhere."""

    rows: dict[str, int] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    """Deliveries that Bronze doesn't hold, so that nobody can say whether they have records of the customers."""
    unknown: tuple[str, ...] = ()
    """Tables that weren't looked at, since neither a contract nor Gold knows them."""

    def add(self, table: str, rows: int) -> None:
        """Count rows of a table."""
        if rows:
            self.rows[table] = self.rows.get(table, 0) + rows
            log.info("customers.forgotten", table=table, rows=rows)


@dataclass(frozen=True)
class Forgetting:
    """What one step needs: a dataset's tables, and whom to look for."""

    spark: SparkSession
    lake: Lake
    fence: Fence
    them: Customers

    @property
    def contract(self) -> Contract:
        """The dataset's."""
        return self.them.contract

    def table(self, layer: Layer) -> DataFrame | None:
        """The dataset's table in a layer; None where there is none."""
        if self.lake.version(layer, self.contract.dataset) is None:
            return None
        return self.lake.read(self.spark, layer, self.contract.dataset)


def forget(
    spark: Callable[[], SparkSession],
    settings: Settings,
    lake: Lake,
    fence: Fence,
    contracts: Mapping[str, Contract],
    ids: Iterable[str],
) -> Forgot:
    """Forget the customers with these ids in Bronze, exceptions, Silver and state; Gold follows from Silver.

    UsageError where no contract says whose its rows are, or where there is no key to hash the ids with.
    """
    wanted = frozenset(text for one in ids if (text := one.strip(BLANKS)))
    concerned = [contract for contract in contracts.values() if contract.customer_id is not None]
    if not wanted or not concerned:
        what = "no customer is named" if not wanted else "no contract says which column is the customer's id"
        raise UsageError(what, where="opslake forget", allowed="customerIdColumn in a contract" if wanted else None)
    for contract in concerned:
        refuse_unfit(lake, contract, business_timezone=settings.business_timezone)
    known, found = forgotten_of(settings, asked=True), Forgot()
    assert known is not None  # it was asked for
    steps = [Forgetting(spark(), lake, fence, Customers(contract, wanted)) for contract in concerned]
    personal = {pair for s in steps for pair in personal_values(s.them, s.table("silver"), s.table("bronze"))}
    texts, values = (frozenset(value for is_text, value in personal if is_text is kind) for kind in (True, False))
    steps = [replace(step, them=replace(step.them, texts=texts, values=values)) for step in steps]
    steps.sort(key=lambda step: step.contract.is_of_persons)
    unseen = {path for step in steps for path in _unseen(settings, lake, step.contract)}
    found.sources = _remember(settings, fence, known, wanted, {s for step in steps for s in _sources(step)})
    found.unseen = tuple(sorted(unseen - set(found.sources)))
    found.unknown = unknown_tables(settings.lake, contracts)
    for step in steps:
        found.add(f"bronze/{step.contract.dataset}", _named(step))
        found.add(f"exception/{step.contract.dataset}", _exceptions(step))
    for name, number in erase_texts(settings.lake, _words(wanted | texts), fence.lease.confirm).items():
        found.add(f"state/{name}", number)
    for step in steps:
        found.add(f"silver/{step.contract.dataset}", _silver(step))
        found.add(f"bronze/{step.contract.dataset}", _bronze(step))
    _remember(settings, fence, known, wanted, set(found.sources), is_done=True)
    return found


def _words(texts: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(texts)))})(?!\w)", re.IGNORECASE)


def _remember(
    settings: Settings, fence: Fence, known: Forgotten, ids: Iterable[str], sources: set[str], *, is_done: bool = False
) -> tuple[str, ...]:
    """Write the hashes of the ids with all that is known of where they came from; returns these sources."""
    table = ForgottenIds(settings.lake, fence.lease.confirm)
    before = table.all()
    hashes = sorted(known.hash_of(text) for text in ids)
    sources |= {source for each in hashes if each in before for source in before[each].sources}
    now, told = datetime.now(UTC), tuple(sorted(sources))
    asked = {each: before[each].asked_at if each in before else now for each in hashes}
    run_id = fence.lease.run_id
    table.put(*(ForgottenId(each, known.check, told, is_done, at, run_id) for each, at in asked.items()))
    return told


def _sources(its: Forgetting) -> set[str]:
    """Where records of these customers came from: files, tables and tabs."""
    found: set[str] = set()
    layers: tuple[Layer, ...] = ("bronze", "exception", "silver")
    for layer in layers:
        table = its.table(layer)
        if table is not None:
            named = table.where(_named_in(its, layer, table)).select("_source_file").distinct()
            found |= {row[0] for row in named.collect()}
    return found


def _unseen(settings: Settings, lake: Lake, contract: Contract) -> set[str]:
    """What lies in the landing and not in Bronze: lists that were skipped or retired, days that failed or wait.

    Of tables and tabs, which the landing doesn't hold, those that the ledger knows.
    """
    states = {state.logical_date: state for state in Ledger(settings.lake).days(contract.dataset)}
    if contract.format in SERVED:
        found = {day: list(state.deliveries) for day, state in states.items()}
    else:
        known = {file.path: file for state in states.values() for file in state.deliveries}
        ignore_case = contract.path_ignores_case
        found = find_deliveries(settings.landing, contract.path, ignore_case=ignore_case, known=known)
    there = bronze.present(lake, contract.dataset)
    empty = {day for day, state in states.items() if state.figures is not None and state.figures.read == 0}
    left = {day: files for day, files in found.items() if (day, delivery_id(files)) not in there and day not in empty}
    return {file.path for files in left.values() for file in files}


def _named_in(its: Forgetting, layer: Layer, table: DataFrame) -> Column:
    """A row of the layer is one of theirs, or names them."""
    if layer == "silver":
        return F.col(str(its.contract.customer_id)).isin(*its.them.ids)
    theirs, named = (
        in_exceptions(its.them) if layer == "exception" else (is_theirs(its.them, table), names_them(its.them, table))
    )
    return theirs | named


def _named(its: Forgetting) -> int:
    """Records that only name them keep all else; a malformed one loses its text, which may hold other records too."""
    table = its.table("bronze")
    if table is None:
        return 0
    text = F.col(MALFORMED)
    extra = F.transform_values("_extra", lambda _, value: without_them(its.them, value, FORGOTTEN_WORD))
    told = {
        MALFORMED: F.when(text.rlike(its.them.pattern), F.lit(FORGOTTEN_WORD)).otherwise(text),
        "_header": _header(its.them),
        "_extra": F.when(has_their_header(its.them), _link()).otherwise(extra),  # its names are the header's
        **{name: without_them(its.them, F.col(name), FORGOTTEN_WORD) for name in unknown_columns(its.them, table)},
    }
    named = table.where(names_them(its.them, table) & ~is_theirs(its.them, table)).select(*RECORD)
    return _apply(its, "bronze", named, RECORD, told, day="_logical_date")


def _header(them: Customers) -> Column:
    return F.when(has_their_header(them), F.lit(FORGOTTEN_HEADER)).otherwise(F.col("_header"))


def _link() -> Column:
    """Of the unknown columns the one by which a corrected row names its exception."""
    return F.map_filter("_extra", lambda name, _: name == ID)


def _exceptions(its: Forgetting) -> int:
    """Rejected records lose their text; where the record is the customer, the exception goes."""
    table = its.table("exception")
    if table is None:
        return 0
    theirs, named = in_exceptions(its.them)
    parts = [(theirs | named, False)]
    if its.contract.is_of_persons:
        parts = [(named & ~theirs, False), (theirs, True)]
    on, told = ("exception_id", "_logical_date"), {"raw_record": F.lit(FORGOTTEN_WORD)}
    return sum(
        _apply(its, "exception", table.where(which).select(*on), on, told, "_logical_date", delete=is_gone)
        for which, is_gone in parts
    )


def _bronze(its: Forgetting) -> int:
    """Their records keep nothing personal and another id; where the record is the customer, it goes."""
    table = its.table("bronze")
    if table is None:
        return 0
    names = (*its.contract.personal_sources, *unknown_columns(its.them, table))
    told = {name: F.lit(None) for name in names if name in table.columns}
    told |= {"_extra": _link(), "_header": _header(its.them)}
    if its.them.source in table.columns:
        told[its.them.source] = F.lit(FORGOTTEN_WORD)
    else:  # the contract knows it since the last load, so it is still read from among the unknown ones
        word = F.create_map(F.lit(its.them.source), F.lit(FORGOTTEN_WORD))
        told["_extra"] = F.map_concat(F.coalesce(_link(), F.create_map().cast("map<string,string>")), word)
    theirs = table.where(is_theirs(its.them, table)).select(*RECORD)
    return _apply(its, "bronze", theirs, RECORD, told, "_logical_date", delete=its.contract.is_of_persons)


def _silver(its: Forgetting) -> int:
    """What they did is somebody's; the customers themselves go."""
    table, contract = its.table("silver"), its.contract
    if table is None:
        return 0
    personal = [c.name for c in contract.stored if c.is_personal and c.name != contract.customer_id]
    told = {name: F.lit(None) for name in personal} | {str(contract.customer_id): F.lit(FORGOTTEN_WORD)}
    day = contract.event_date
    columns = [*contract.key, *([day] if day and day not in contract.key else [])]
    theirs = table.where(F.col(str(contract.customer_id)).isin(*its.them.ids)).select(*columns)
    delivered = its.table("bronze")
    if delivered is not None and not contract.is_of_persons:  # some have no id that Silver could know
        records = delivered.where(is_theirs(its.them, delivered)).select(*RECORD)
        theirs = theirs.unionByName(table.join(records, list(RECORD), "left_semi").select(*columns))
    return _apply(its, "silver", theirs, contract.key, told, day, delete=contract.is_of_persons)


def _apply(
    its: Forgetting,
    layer: Layer,
    theirs: DataFrame,
    on: Sequence[str],
    told: Mapping[str, Column],
    day: str | None,
    *,
    delete: bool = False,
) -> int:
    """Update or delete the rows that `theirs` names, by one MERGE bounded by their days; returns how many."""
    theirs = theirs.distinct().localCheckpoint()
    number = theirs.count()
    if not number:
        return 0
    condition = " AND ".join(f"t.`{name}` = s.`{name}`" for name in on)
    if day is not None:
        days: list[date | None] = [row[0] for row in theirs.select(day).distinct().collect()]
        known = [each for each in days if each is not None]
        condition += f" AND ({days_sql(f't.`{day}`', known)}{' OR t.`' + day + '` IS NULL' if None in days else ''})"
    session = new_session(its.spark)
    its.fence.tell_merge(session, dataset=its.contract.dataset, forgotten=number)
    merge = its.lake.delta(session, layer, its.contract.dataset).alias("t").merge(theirs.alias("s"), condition)
    if delete:
        merge = merge.whenMatchedDelete()
    else:
        merge = merge.whenMatchedUpdate(set={f"`{name}`": value for name, value in told.items()})
    merge.execute()
    return number
