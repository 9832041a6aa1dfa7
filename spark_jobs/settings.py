"""Settings: `opslake.toml`, then the environment (`OPSLAKE_*`), then command-line options; the later wins."""

from __future__ import annotations

import json
import os
import re
import tomllib
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from spark_jobs.errors import UsageError, nearest
from spark_jobs.zones import known_zones

FILE = "opslake.toml"


class Settings(BaseSettings):
    """Everything that can be set, with its default. Paths without a scheme are folders of this machine."""

    model_config = SettingsConfigDict(env_prefix="OPSLAKE_", toml_file=FILE, extra="forbid", frozen=True)

    lake: str = "lake"
    landing: str = "landing"
    contracts: str | None = None
    business_timezone: str = "UTC"
    today: date | None = None
    """Stands in for the current business date: for tests, demos and replays of the past."""
    lease_seconds: float = 120
    batch_days: int = 400
    """At most this many days of a dataset are loaded by one commit."""
    load_threads: int = 3
    """So many datasets are loaded, and so many Gold tables published, at the same time."""
    gold_threads: int = 3
    cores: str = "*"
    driver_memory: str = "4g"
    jvm: Literal["auto", "small", "large"] = "auto"
    """Which JVM flags a run on one machine starts with: quick to start, or quick over much data."""
    rows_per_file: int = 20_000
    """Files of Silver and of ticket-grained Gold hold at most so many rows: a correction rewrites few of them."""
    driver_rows: int = 100_000
    """Gold tables and deliveries up to so many rows are committed from the driver, larger ones by Spark's tasks."""
    vacuum_hours: int = Field(default=168, ge=1)
    """`maintain` keeps the files of older versions for so many hours: time travel and slow readers need them."""
    superseded_days: int = Field(default=30, ge=0)
    """A delivery that another one of its day has replaced stays in Bronze for at least so many days."""
    forget_key: str | None = None
    """Where the secret lies with which ids of forgotten customers are hashed: a reference (credentials.py)."""
    log_format: Literal["auto", "json", "console"] = "auto"
    notify: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Who is told of what needs somebody: URLs in the way of apprise. They hold credentials: never shown whole."""
    notify_seconds: float = Field(default=10, gt=0)
    """A message that isn't taken within so many seconds counts as not sent."""
    run_sla_minutes: float | None = Field(default=None, gt=0)
    """A run that lasts longer is told."""
    bigquery_project: str | None = None
    """Where `publish bigquery` works; by default the project of the credentials."""
    bigquery_dataset: str = "opslake"
    """What analysts see; the tables of all layers are in the restricted one, `<this>_restricted` by default."""
    bigquery_restricted_dataset: str | None = None
    bigquery_connection: str | None = None
    """By which BigQuery reads the lake's bucket: PROJECT.LOCATION.NAME."""
    glue_database: str = "opslake"
    """The same two for Athena, in the Glue catalog."""
    glue_restricted_database: str | None = None
    aws_region: str | None = None
    """Where `publish athena` works; by default what the AWS client finds."""

    @field_validator("notify", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return split_urls(value) if isinstance(value, str) else value

    @field_validator("business_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in known_zones():
            raise ValueError(f"unknown time zone; {nearest(value, known_zones()) or 'use an IANA name'}")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the signature is the library's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options over environment over file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The business time zone."""
        return ZoneInfo(self.business_timezone)

    @property
    def business_today(self) -> date:
        """Today's business date."""
        return self.today or datetime.now(self.zone).date()


def split_urls(text: str) -> list[str]:
    """URLs from a JSON list, or separated by blanks, or by commas where the next one begins: a URL may hold commas."""
    if not text.lstrip().startswith("["):
        return [url for url in re.split(r"\s*,\s*(?=[\w.+-]+://)|\s+|,\s*$", text.strip()) if url]
    try:
        listed = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("begins as a JSON list and isn't one") from None  # without its text, which is secret
    if not all(isinstance(url, str) for url in listed):
        raise ValueError("not a list of texts")
    return [str(url) for url in listed]


def load_settings(**options: Any) -> Settings:
    """The settings in force; an unknown key or a wrong value is a `UsageError` with the nearest right one."""
    _refuse_unknown()
    given = {key: value for key, value in options.items() if value is not None}
    try:
        settings = Settings(**given)
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise _explain(error) from None
    return settings.model_copy(update={"lake": _root(settings.lake), "landing": _root(settings.landing)})


def _root(path: str) -> str:
    """An absolute path, or the URI as it is without a closing slash."""
    return path.rstrip("/") if "://" in path else str(Path(path).expanduser().absolute())


def _refuse_unknown() -> None:
    names = Settings.model_fields
    for variable in os.environ:
        if variable.startswith("OPSLAKE_") and variable.removeprefix("OPSLAKE_").lower() not in names:
            name = variable.removeprefix("OPSLAKE_").lower()
            raise UsageError(
                "unknown setting", where="environment", value=variable, hint=nearest(name, names), allowed=sorted(names)
            )


def _explain(error: ValidationError | tomllib.TOMLDecodeError) -> UsageError:
    if isinstance(error, tomllib.TOMLDecodeError):
        return UsageError(f"not valid TOML: {error}", where=FILE)
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        names = Settings.model_fields
        return UsageError(f"unknown setting {key!r}", where=FILE, hint=nearest(key, names), allowed=sorted(names))
    shown = None if key.startswith("notify") else first.get("input")  # a receiver's URL holds credentials
    return UsageError(f"setting {key!r}: {first['msg']}", value=shown)
