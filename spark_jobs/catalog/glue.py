"""The lake in the Glue catalog, where Athena finds it: what analysts may read in one database, the rest in another.

Athena reads with the rights of whoever asks. So a table of Gold with a personal column belongs to the restricted
database as a whole, as does every view that reads one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from spark_jobs.catalog.outcome import Action, Outcome, skipped
from spark_jobs.catalog.survey import LakeTable, Survey
from spark_jobs.catalog.types import hive, presto
from spark_jobs.catalog.views import ATHENA, View, views_of
from spark_jobs.contract import Contract
from spark_jobs.errors import EngineError, UsageError, first_line

OURS = {"managed_by": "opslake"}
DELTA = {"EXTERNAL": "TRUE", "table_type": "DELTA", "spark.sql.sources.provider": "delta", "classification": "delta"}
CATALOG = "awsdatacatalog"


@dataclass(frozen=True)
class Target:
    """The analysts' database and the restricted one."""

    database: str
    restricted: str

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        if self.database == self.restricted:
            hint = "analysts would see everything: give another glue_restricted_database"
            raise UsageError("both databases are one", value=self.database, hint=hint)

    def place(self, shown: LakeTable | View) -> tuple[str, str]:
        """The database and name of a table or view."""
        if shown.is_for_analysts:
            return self.database, shown.name
        return self.restricted, shown.full_name if isinstance(shown, LakeTable) else shown.name


@dataclass(frozen=True)
class Wanted:
    """One table or view as it shall be in a database; without a definition it shall not be there."""

    kind: Literal["table", "view"]
    database: str
    name: str
    definition: Mapping[str, Any] | None
    reason: str = ""

    @property
    def full_name(self) -> str:
        """`<database>.<name>`."""
        return f"{self.database}.{self.name}"


def publish(
    survey: Survey,
    contracts: Mapping[str, Contract],
    zone: str,
    target: Target,
    client: Any,
    *,
    dry_run: bool = False,
) -> list[Outcome]:
    """Make the Glue catalog show the lake as it is now; what is so already is left alone."""
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped,unused-ignore]

    wanted, waiting = wanted_of(survey, contracts, zone, target)
    try:
        for database in (target.database, target.restricted):
            _database_is_there(client, database)
        outcomes = [done for one in wanted if (done := _put(client, one, dry_run=dry_run)) is not None]
    except (BotoCoreError, ClientError) as error:
        raise EngineError("Glue refused", value=first_line(error), hint=_hint(error)) from error
    return [*outcomes, *skipped(survey.missing, waiting)]


def connect(region: str | None) -> Any:
    """A client of Glue with this machine's credentials."""
    import boto3  # type: ignore[import-untyped,unused-ignore]
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.client("glue", region_name=region)
    except BotoCoreError as error:
        hint = "set aws_region or --region, and credentials as for the aws command"
        raise UsageError("no way to AWS", value=first_line(error), hint=hint) from error


def wanted_of(
    survey: Survey, contracts: Mapping[str, Contract], zone: str, target: Target
) -> tuple[list[Wanted], tuple[str, ...]]:
    """Everything that shall be there, or no longer, and the names of views that wait for their tables."""

    def named(table: LakeTable) -> str:
        return ".".join(target.place(table))

    wanted = [Wanted("table", *target.place(table), _table(table)) for table in survey.tables]
    wanted += [  # a table that was for all until one of its columns became personal
        Wanted(
            "table", target.database, t.name, None, f"now in {target.restricted}: {', '.join(t.personal)} is personal"
        )
        for t in survey.of("gold")
        if t.personal
    ]
    views = views_of(survey, contracts, zone, ATHENA, named)
    wanted += [Wanted("view", *target.place(view), _view(view, target.place(view)[0])) for view in views.made]
    return wanted, views.waiting


def _table(table: LakeTable) -> dict[str, Any]:
    """A Delta table as Athena's engine 3 reads it: schema and files come from the log at its path."""
    location = s3_uri(table.uri)
    personal = "no" if table.is_for_analysts else "yes"
    return {
        "Description": table.about,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {**DELTA, **OURS, "layer": table.layer, "personal_data": personal},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [_column(name, hive(kind), name in table.personal) for name, kind in table.columns.items()],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"serialization.format": "1", "path": location},  # Athena looks for it here
            },
        },
    }


def _column(name: str, kind: str, personal: bool = False) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Parameters": {"classification": "personal"} if personal else {}}


def _view(view: View, database: str) -> dict[str, Any]:
    """A view as Athena itself keeps it: Presto's definition as JSON, in base 64, in a comment."""
    definition = {
        "originalSql": view.sql,
        "catalog": CATALOG,
        "schema": database,
        "columns": [{"name": name, "type": presto(kind)} for name, kind in view.columns.items()],
    }
    told = base64.b64encode(json.dumps(definition).encode()).decode()
    personal = "no" if view.is_for_analysts else "yes"
    return {
        "Description": view.about,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {
            "presto_view": "true",
            "comment": "Presto View",
            **OURS,
            "layer": "view",
            "personal_data": personal,
        },
        "PartitionKeys": [],
        "ViewOriginalText": f"/* Presto View: {told} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": [_column(name, kind) for name, kind in view.columns.items()],
            "Location": "",
            "SerdeInfo": {},
        },
    }


def s3_uri(uri: str) -> str:
    """The location as Athena writes it; UsageError for what isn't on S3."""
    scheme, sign, rest = uri.partition("://")
    if not sign or scheme not in ("s3", "s3a"):
        hint = "--uri gives the lake's root as Athena sees it"
        raise UsageError("Athena reads lakes on s3:// only", value=uri, allowed="s3://…, s3a://…", hint=hint)
    return f"s3://{rest}"


def _database_is_there(client: Any, name: str) -> None:
    try:
        client.get_database(Name=name)
    except client.exceptions.EntityNotFoundException as error:
        hint = f"`make deploy-aws` makes it, or `aws glue create-database --database-input Name={name}`"
        raise UsageError("there is no such database in the Glue catalog", value=name, hint=hint) from error


def _put(client: Any, wanted: Wanted, *, dry_run: bool) -> Outcome | None:
    """Create, update or remove one table or view, or leave it as it is; None where nothing is, or shall be, there."""
    try:
        existing = client.get_table(DatabaseName=wanted.database, Name=wanted.name)["Table"]
    except client.exceptions.EntityNotFoundException:
        existing = None
    if existing is None and wanted.definition is None:
        return None
    action = _difference(existing, wanted)
    if not dry_run and action == "removed":
        client.delete_table(DatabaseName=wanted.database, Name=wanted.name)
    elif not dry_run and action != "unchanged":
        assert wanted.definition is not None  # else it was removed
        parameters = {**(existing or {}).get("Parameters", {}), **wanted.definition["Parameters"]}
        put = client.create_table if existing is None else client.update_table
        put(
            DatabaseName=wanted.database,
            TableInput={**wanted.definition, "Name": wanted.name, "Parameters": parameters},
        )
    return Outcome(wanted.kind, wanted.full_name, action, wanted.reason)


def _difference(existing: Mapping[str, Any] | None, wanted: Wanted) -> Action:
    if existing is None:
        return "created"
    if existing.get("Parameters", {}).get("managed_by") != OURS["managed_by"]:
        hint = "drop or rename it, or publish into another database"
        raise UsageError("something of this name is there that opslake didn't make", value=wanted.full_name, hint=hint)
    if wanted.definition is None:
        return "removed"
    return "unchanged" if _holds(existing, wanted.definition) else "updated"


def _holds(found: Any, wanted: Any) -> bool:
    """Whether what the catalog has is as it shall be; what others add to it is their own business."""
    if not wanted:
        return not found
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(found, list) and len(found) == len(wanted)
        return same_length and all(_holds(one, other) for one, other in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _hint(error: Exception) -> str | None:
    text = str(error)
    if "AccessDenied" in text:
        return "needed: glue:GetDatabase, GetTable, CreateTable, UpdateTable and DeleteTable on both databases"
    return "credentials as for the aws command" if "redential" in text else None
