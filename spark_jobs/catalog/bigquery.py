"""The lake in BigQuery: external tables of all layers in a restricted dataset, views for analysts in another.

The analysts' dataset is authorised to read the restricted one, so that whoever may read its views needs no right to a
table, a bucket or the connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from spark_jobs.catalog.outcome import Action, Outcome, skipped
from spark_jobs.catalog.survey import ANALYSTS_LAYERS, LakeTable, Survey
from spark_jobs.catalog.types import bigquery_schema, is_reserved
from spark_jobs.catalog.views import BIGQUERY, views_of
from spark_jobs.contract import Contract
from spark_jobs.errors import EngineError, OpslakeError, UsageError, first_line

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, Dataset, Table

CONNECTION = re.compile(
    r"(?:projects/)?(?P<project>[^/]+?)(?:\.|/locations/)(?P<location>[\w-]+)(?:\.|/connections/)(?P<name>[\w-]+)"
)
OURS = {"managed_by": "opslake"}
DEPLOY = "`make deploy-gcp` makes it"
SAME_TYPE = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


@dataclass(frozen=True)
class Target:
    """Where to publish: the analysts' dataset, the restricted one, and the connection that reads the bucket."""

    dataset: str
    restricted: str
    connection: str

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        if self.dataset == self.restricted:
            hint = "analysts would see everything: give another bigquery_restricted_dataset"
            raise UsageError("both datasets are one", value=self.dataset, hint=hint)
        if not CONNECTION.fullmatch(self.connection):
            raise UsageError(
                "that names no connection",
                where="setting 'bigquery_connection'",
                value=self.connection,
                allowed="PROJECT.LOCATION.NAME, or projects/PROJECT/locations/LOCATION/connections/NAME",
            )

    @property
    def location(self) -> str:
        """Where the connection is; datasets must be there too."""
        found = CONNECTION.fullmatch(self.connection)
        assert found is not None  # checked above
        return found["location"].lower()


@dataclass(frozen=True)
class Wanted:
    """One table or view as it shall be: `definition` is that part of its REST resource which is ours to set."""

    kind: Literal["table", "view"]
    dataset: str
    name: str
    definition: Mapping[str, Any]

    @property
    def full_name(self) -> str:
        """`<dataset>.<name>`."""
        return f"{self.dataset}.{self.name}"


def publish(
    survey: Survey,
    contracts: Mapping[str, Contract],
    zone: str,
    target: Target,
    client: Client,
    *,
    dry_run: bool = False,
) -> list[Outcome]:
    """Make BigQuery show the lake as it is now; what is so already is left alone. Tables come before their views."""
    from google.api_core.exceptions import GoogleAPICallError

    refuse_elsewhere(survey)
    wanted, waiting = wanted_of(survey, contracts, zone, target, client.project)
    try:
        _datasets_are_there(client, target)
        outcomes = [_authorise(client, target, dry_run=dry_run)]
        outcomes += [_put(client, one, dry_run=dry_run) for one in wanted]
    except GoogleAPICallError as error:
        raise _told(error) from error
    return [*outcomes, *skipped(survey.missing, waiting)]


def refuse_elsewhere(survey: Survey) -> None:
    """BigQuery reads Delta tables of Google's own buckets only."""
    for table in survey.tables:
        if not table.uri.startswith("gs://"):
            hint = "--uri gives the lake's root as BigQuery sees it"
            raise UsageError("BigQuery reads lakes on gs:// only", value=table.uri, allowed="gs://…", hint=hint)


def connect(project: str | None) -> Client:
    """A client with this machine's credentials; BIGQUERY_EMULATOR_HOST, which the client knows, needs none."""
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import bigquery

    emulated = "BIGQUERY_EMULATOR_HOST" in os.environ
    try:
        return bigquery.Client(project=project, credentials=AnonymousCredentials() if emulated else None)  # type: ignore[no-untyped-call]
    except DefaultCredentialsError as error:
        hint = "`gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS"
        raise UsageError("no credentials for Google Cloud", value=first_line(error), hint=hint) from error
    except OSError as error:
        hint = "set bigquery_project, or --project"
        raise UsageError("no project for BigQuery", value=first_line(error), hint=hint) from error


def wanted_of(
    survey: Survey, contracts: Mapping[str, Contract], zone: str, target: Target, project: str
) -> tuple[list[Wanted], tuple[str, ...]]:
    """Everything that shall be there, tables first, and the names of views that wait for their tables."""

    def named(table: LakeTable) -> str:
        return f"`{project}.{target.restricted}.{table.full_name}`"

    views = views_of(survey, contracts, zone, BIGQUERY, named)
    wanted = [Wanted("table", target.restricted, t.full_name, _external(t, target)) for t in survey.tables]
    wanted += [
        Wanted("view", target.dataset, t.name, _view(_selection(t, named(t)), t.about, t.layer))
        for t in survey.of(*ANALYSTS_LAYERS)
    ]
    wanted += [Wanted("view", target.dataset, v.name, _view(v.sql, v.about, "view")) for v in views.made]
    return wanted, views.waiting


def _external(table: LakeTable, target: Target) -> dict[str, Any]:
    """An external table. BigQuery finds its columns by itself, unless one has a name that it refuses."""
    external = {"sourceFormat": "DELTA_LAKE", "sourceUris": [table.uri], "connectionId": target.connection}
    personal = table.personal or table.layer not in ANALYSTS_LAYERS
    labels = {**OURS, "layer": table.layer, "personal_data": "yes" if personal else "no"}
    definition = {"externalDataConfiguration": external, "description": table.about, "labels": labels}
    if any(map(is_reserved, table.columns)):
        return definition | {"schema": {"fields": bigquery_schema(table.columns)}}
    return definition | {"externalDataConfiguration": {**external, "autodetect": True}}


def _selection(table: LakeTable, source: str) -> str:
    """The table without personal columns, the others by name: one that comes later isn't shown by itself."""
    shown = [name for name in table.columns if name not in table.personal and not is_reserved(name)]
    return "SELECT\n  " + ",\n  ".join(f"`{name}`" for name in shown) + f"\nFROM {source}"


def _view(sql: str, about: str, layer: str) -> dict[str, Any]:
    labels = {**OURS, "layer": layer, "personal_data": "no"}
    return {"view": {"query": sql, "useLegacySql": False}, "description": about, "labels": labels}


def _datasets_are_there(client: Client, target: Target) -> None:
    for name in (target.restricted, target.dataset):
        found = _dataset(client, name)
        if str(found.location).lower() != target.location:
            raise UsageError(
                "the dataset isn't where the connection is",
                where=f"BigQuery dataset {name}",
                value=found.location,
                allowed=target.location,
                hint="a connection reads for datasets of its own location only",
            )


def _dataset(client: Client, name: str) -> Dataset:
    from google.api_core.exceptions import NotFound

    try:
        return client.get_dataset(name)
    except NotFound as error:
        hint = f"{DEPLOY}, or `bq mk --dataset {client.project}:{name}`"
        raise UsageError("there is no such dataset in BigQuery", value=f"{client.project}.{name}", hint=hint) from error


def _authorise(client: Client, target: Target, *, dry_run: bool) -> Outcome:
    """Let the views of the analysts' dataset read the restricted one."""
    from google.cloud.bigquery import AccessEntry

    restricted = _dataset(client, target.restricted)
    reference = {"projectId": client.project, "datasetId": target.dataset}
    entry = AccessEntry(entity_type="dataset", entity_id={"dataset": reference, "targetTypes": ["VIEWS"]})
    name = f"views of {target.dataset} on {target.restricted}"
    if any(_is_for(each, reference) for each in restricted.access_entries):
        return Outcome("access", name, "unchanged")
    if not dry_run:
        restricted.access_entries = [*restricted.access_entries, entry]
        client.update_dataset(restricted, ["access_entries"])
    return Outcome("access", name, "created")


def _is_for(entry: Any, reference: Mapping[str, str]) -> bool:
    told = entry.to_api_repr().get("dataset") or {}
    return told.get("dataset") == reference and "VIEWS" in (told.get("targetTypes") or [])


def _put(client: Client, wanted: Wanted, *, dry_run: bool) -> Outcome:
    """Create or update one table or view, or leave it as it is."""
    from google.api_core.exceptions import NotFound

    name = f"{client.project}.{wanted.full_name}"
    try:
        existing: Table | None = client.get_table(name)
    except NotFound:
        existing = None
    action, reason = _difference(existing, wanted)
    if action == "unchanged" or dry_run:
        return Outcome(wanted.kind, wanted.full_name, action, reason)
    if existing is None or existing.table_type != _type_of(wanted):
        if existing is not None:
            client.delete_table(name)
        client.create_table(_resource(name, wanted.definition))
    else:
        fields = {"externalDataConfiguration": "external_data_configuration", "view": "view_query"}
        changed = _resource(name, wanted.definition)
        client.update_table(changed, [fields.get(part, part) for part in wanted.definition])
    return Outcome(wanted.kind, wanted.full_name, action, reason)


def _resource(name: str, definition: Mapping[str, Any]) -> Table:
    from google.cloud.bigquery import Table
    from google.cloud.bigquery.table import TableReference

    reference = TableReference.from_string(name).to_api_repr()
    table: Table = Table.from_api_repr({"tableReference": reference, **definition})
    return table


def _type_of(wanted: Wanted) -> str:
    return "EXTERNAL" if wanted.kind == "table" else "VIEW"


def _difference(existing: Table | None, wanted: Wanted) -> tuple[Action, str]:
    if existing is None:
        return "created", ""
    if existing.labels.get("managed_by") != OURS["managed_by"]:
        hint = "drop or rename it, or publish into another dataset"
        raise UsageError("something of this name is there that opslake didn't make", value=wanted.full_name, hint=hint)
    if existing.table_type != _type_of(wanted):
        return "updated", f"was {str(existing.table_type).lower()}"
    resource = existing.to_api_repr()
    differing = [part for part, value in wanted.definition.items() if not _holds(resource.get(part), value, part)]
    return ("updated", ", ".join(differing)) if differing else ("unchanged", "")


def _holds(found: Any, wanted: Any, part: str) -> bool:
    """Whether a part of the resource is as it shall be; what BigQuery adds by itself is its own business."""
    if part == "connectionId":
        return _same_connection(str(found), str(wanted))
    if part == "type":
        return SAME_TYPE.get(str(found), str(found)) == SAME_TYPE.get(str(wanted), str(wanted))
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(key), value, key) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(found, list) and len(found) == len(wanted)
        return same_length and all(_holds(one, other, part) for one, other in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _same_connection(found: str, wanted: str) -> bool:
    """BigQuery answers in either form, and may say the project by its number."""
    one, other = CONNECTION.fullmatch(found), CONNECTION.fullmatch(wanted)
    if one is None or other is None:
        return found == wanted
    same_project = one["project"] == other["project"] or one["project"].isdecimal()
    return same_project and (one["location"].lower(), one["name"]) == (other["location"].lower(), other["name"])


def _told(error: Exception) -> OpslakeError:
    from google.api_core.exceptions import Forbidden

    hint = None
    if isinstance(error, Forbidden):
        hint = "needed: roles/bigquery.dataOwner on both datasets and roles/bigquery.connectionUser on the connection"
    return EngineError("BigQuery refused", value=first_line(error), hint=hint)
