"""The function's own settings, from the environment (`TRIGGER_*`); docs/trigger.md lists them."""

from __future__ import annotations

import json
import os
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from spark_jobs.errors import UsageError, nearest
from spark_jobs.settings import Settings, load_settings

PREFIX = "TRIGGER_"
NEEDED = ("OPSLAKE_LAKE", "OPSLAKE_LANDING")
LIST = re.compile(r"\s*,\s*")
Texts = Annotated[tuple[str, ...], NoDecode]
TextsByName = Annotated[dict[str, str], NoDecode]


class Common(BaseSettings):
    """What both clouds have."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    name: str = Field(default="opslake", pattern=r"^[a-z](?:[a-z0-9-]{0,22}[a-z0-9])?$")

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: object, info: Any) -> object:
        kind = cls.model_fields[info.field_name].annotation
        if not isinstance(value, str):
            return value
        if kind == tuple[str, ...]:
            return tuple(part for part in LIST.split(value.strip()) if part)
        return _object(value) if kind == dict[str, str] else value


class OnDataproc(Common):
    """How a Dataproc Serverless batch is made, and who may ask for it."""

    project: str = Field(min_length=1)
    region: str = Field(min_length=1)
    audience: Texts = Field(min_length=1)
    callers: Texts = ()
    tokens: Literal["platform", "certs"] = "platform"
    daily_file: str = Field(min_length=1)
    backfill_file: str = Field(min_length=1)
    py_files: Texts = ()
    archives: Texts = ()
    jars: Texts = ()
    runtime_version: str = "3.0"
    container_image: str = ""
    service_account: str = ""
    subnetwork: str = ""
    staging_bucket: str = ""
    network_tags: Texts = ()
    ttl_seconds: int = Field(default=21_600, ge=600, le=1_209_600)
    labels: TextsByName = {}
    properties: TextsByName = {}


class OnGlue(Common):
    """Which Glue job is run, and what it gets beside the call's own arguments."""

    glue_job: str = Field(min_length=1)
    backfill_file: str = Field(min_length=1)
    arguments: TextsByName = {}


Own = TypeVar("Own", OnDataproc, OnGlue)


def lake_settings() -> Settings:
    """The settings of the lake; UsageError unless the environment names lake and landing."""
    for variable in NEEDED:
        if not os.environ.get(variable):
            raise UsageError("a variable isn't set", where="environment", value=variable, allowed="a URI of the store")
    return load_settings()


def own_settings(kind: type[Own]) -> Own:
    """The function's settings; UsageError names the variable that is missing, unknown or wrong."""
    known = [PREFIX + name.upper() for name in kind.model_fields]
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in known:
            hint = nearest(variable, known)
            raise UsageError("unknown variable", where="environment", value=variable, allowed=sorted(known), hint=hint)
    try:
        return kind(**{})
    except ValidationError as error:
        first = error.errors()[0]
        variable = PREFIX + str(first["loc"][0]).upper()
        if first["type"] == "missing":
            raise UsageError("a variable isn't set", where="environment", value=variable) from None
        raise UsageError(f"{variable}: {first['msg']}", where="environment", value=first.get("input")) from None


def _object(text: str) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError('must be a JSON object of texts, like {"team": "support"}')
    return found
