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
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.forgotten import Forgotten, forgotten_of
from spark_jobs.lake import Fence, Lake, Layer, days_sql
from spark_jobs.log import log
from spark_jobs.rules import BLANKS, MALFORMED
from spark_jobs.session import new_session
from spark_jobs.settings import Settings
from spark_jobs.silver_table import refuse_unfit
from state.forgotten import FORGOTTEN_WORD, ForgottenId, ForgottenIds, erase_texts

RECORD = ("_logical_date", "_delivery", "_source_file", "_row_number")
LEAST_TEXT = 5
"""Characters of a personal value from which on a text that holds it is taken for the customer's."""


@dataclass
class Forgot:
    """Rows that were changed or removed per table, and what the lake's owner has to delete elsewhere."""

    rows: dict[str, int] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def add(self, table: str, rows: int) -> None:
        """Count rows of a table."""
        if rows:
            self.rows[table] = self.rows.get(table, 0) + rows
            log.info("customers.forgotten", table=table, rows=rows)


@dataclass(frozen=True)
class Forgetting:
    """What one step needs: a dataset, and whom to look for. No id gets into a condition that a commit would tell."""

    spark: SparkSession
    lake: Lake
    fence: Fence
    contract: Contract
    ids: frozenset[str]
    texts: frozenset[str] = frozenset()
    """Personal texts of these customers, in small letters."""

    def table(self, layer: Layer) -> DataFrame | None:
        """The dataset's table in a layer; None where there is none."""
        if self.lake.version(layer, self.contract.dataset) is None:
            return None
        return self.lake.read(self.spark, layer, self.contract.dataset)

    @property
    def pattern(self) -> str:
        """A Java regular expression for any of the ids and texts as words of their own, whatever their case."""
        words = (rf"\Q{text}\E" for text in sorted(self.ids | self.texts) if r"\E" not in text)
        return rf"(?iu)(?<![\p{{L}}\p{{N}}])(?:{'|'.join(words)})(?![\p{{L}}\p{{N}}])"


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
    steps = [Forgetting(spark(), lake, fence, contract, wanted) for contract in concerned]
    texts = frozenset(text for step in steps for text in _personal_texts(step))
    steps = sorted((replace(step, texts=texts) for step in steps), key=lambda s: s.contract.is_of_persons)
    found.sources = _remember(settings, fence, known, wanted, {s for step in steps for s in _sources(step)})
    for step in steps:
        found.add(f"bronze/{step.contract.dataset}", _malformed(step))
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


def _personal_texts(its: Forgetting) -> set[str]:
    """Names, addresses and the like, of these customers, as Silver and Bronze have them."""
    columns = [c for c in its.contract.columns if c.is_personal and c.type == "string"]
    columns = [c for c in columns if c.name != its.contract.customer_id]
    silver, bronze, found = its.table("silver"), its.table("bronze"), set()
    if silver is not None and columns:
        names = [c.name for c in columns if c.stored]
        rows = silver.where(F.col(str(its.contract.customer_id)).isin(*its.ids)).select(*names).distinct()
        found |= {value for row in rows.collect() for value in row}
    if bronze is not None and columns:
        sources = [s for c in columns if not c.derived for s in c.sources]
        rows = bronze.where(_id_in(bronze, its.contract).isin(*its.ids))
        rows = rows.select(*(_text(bronze, s) for s in sources)).distinct()
        found |= {value for row in rows.collect() for value in row}
    return {value.casefold() for value in found if value is not None and len(value) >= LEAST_TEXT}


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


def _named_in(its: Forgetting, layer: Layer, table: DataFrame) -> Column:
    """A row of the layer is one of theirs."""
    if layer == "silver":
        return F.col(str(its.contract.customer_id)).isin(*its.ids)
    if layer == "exception":
        return _is_their_exception(its)
    return _is_theirs(its, table) | F.coalesce(F.col(MALFORMED).rlike(its.pattern), F.lit(False))


def _malformed(its: Forgetting) -> int:
    """Malformed records with one of their ids or texts lose their text, which may hold other records too."""
    table = its.table("bronze")
    if table is None:
        return 0
    theirs = table.where(F.col(MALFORMED).rlike(its.pattern)).select(*RECORD)
    return _apply(its, "bronze", theirs, RECORD, {MALFORMED: F.lit(FORGOTTEN_WORD)}, day="_logical_date")


def _exceptions(its: Forgetting) -> int:
    """Rejected records lose their text; where the record is the customer, the exception goes."""
    table = its.table("exception")
    if table is None:
        return 0
    theirs = table.where(_is_their_exception(its)).select("exception_id", "_logical_date")
    is_gone = its.contract.is_of_persons
    told = {"raw_record": F.lit(FORGOTTEN_WORD)}
    return _apply(its, "exception", theirs, ("exception_id", "_logical_date"), told, "_logical_date", delete=is_gone)


def _bronze(its: Forgetting) -> int:
    """Their records keep nothing personal and another id; where the record is the customer, it goes."""
    table = its.table("bronze")
    if table is None:
        return 0
    source = its.contract.column(str(its.contract.customer_id)).sources[0]
    told = {name: F.lit(None) for name in (*its.contract.personal_sources, "_extra") if name in table.columns}
    told[source] = F.lit(FORGOTTEN_WORD)
    theirs = table.where(_is_theirs(its, table)).select(*RECORD)
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
    theirs = table.where(F.col(str(contract.customer_id)).isin(*its.ids)).select(*columns)
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


def _is_theirs(its: Forgetting, table: DataFrame) -> Column:
    """A record of Bronze has one of the ids; or none, and one of the customers' texts as a field."""
    fields = [_text(table, name) for name in its.contract.personal_sources]
    return _theirs(its, _id_in(table, its.contract), fields)


def _is_their_exception(its: Forgetting) -> Column:
    """The same of a rejected record, whose fields are JSON; of a malformed one that its text names them."""
    raw, source = F.col("raw_record"), its.contract.column(str(its.contract.customer_id)).sources[0]
    fields = [F.btrim(F.get_json_object(raw, f"$['{name}']"), F.lit(BLANKS)) for name in its.contract.personal_sources]
    own = _theirs(its, F.btrim(F.get_json_object(raw, f"$['{source}']"), F.lit(BLANKS)), fields)
    is_text = F.array_contains("reject_reasons", "malformed_record")
    return F.when(is_text, F.coalesce(raw.rlike(its.pattern), F.lit(False))).otherwise(own)


def _theirs(its: Forgetting, customer: Column, fields: Sequence[Column]) -> Column:
    by_id = F.coalesce(customer.isin(*its.ids), F.lit(False))
    nulls = {"", *(token.strip().lower() for token in its.contract.null_tokens)}
    is_nobody = customer.isNull() | F.lower(customer).isin(*nulls)
    by_text = [F.coalesce(F.lower(each).isin(*its.texts), F.lit(False)) for each in fields] if its.texts else []
    return by_id | (is_nobody & reduce(or_, by_text)) if by_text else by_id


def _id_in(bronze: DataFrame, contract: Contract) -> Column:
    return _text(bronze, contract.column(str(contract.customer_id)).sources[0])


def _text(bronze: DataFrame, name: str) -> Column:
    """A delivered field without the blanks around it; from `_extra` where it came before the contract knew it."""
    extra = F.col("_extra")[name] if "_extra" in bronze.columns else F.lit(None).cast("string")
    return F.btrim(F.coalesce(F.col(name), extra) if name in bronze.columns else extra, F.lit(BLANKS))
