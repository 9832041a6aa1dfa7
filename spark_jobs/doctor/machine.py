"""What this machine has: settings, contracts, Python, Spark, Java, Delta's jars, time zones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from spark_jobs.contract import load_contracts
from spark_jobs.doctor import Finding
from spark_jobs.errors import OpslakeError
from spark_jobs.java import find_java
from spark_jobs.settings import FILE, Settings

PYTHONS = ((3, 11), (3, 13))
DELTA_OF_SPARK = {"3.5": "3.3", "4.0": "4.0"}
SETUP = "run `make setup` once, with a network"


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding a subject."""
    source = f"{FILE} and the environment" if Path(FILE).is_file() else f"the environment (no {FILE} here)"
    yield Finding("settings", f"from {source}: lake {settings.lake}, landing {settings.landing}")
    yield _of("contracts", lambda: _contracts(settings))
    yield _python()
    yield _spark()
    yield _of("java", lambda: "{0.version} in {0.home}".format(find_java()))
    yield _of("jars", _jars)
    yield _zone(settings)


def _of(check: str, look: Callable[[], str]) -> Finding:
    """What `look` tells, or the error that it raises, which says what to do."""
    try:
        return Finding(check, look())
    except OpslakeError as error:
        return Finding(check, str(error).removesuffix(f"; {error.hint}"), error.hint or "see the message")


def _contracts(settings: Settings) -> str:
    contracts = load_contracts(settings.contracts)
    return f"{len(contracts)} read" + (f", with those of {settings.contracts}" if settings.contracts else "")


def _python() -> Finding:
    told = ".".join(map(str, sys.version_info[:3]))
    first, last = PYTHONS
    fits = first <= sys.version_info[:2] <= last
    return Finding("python", told, "" if fits else f"use Python {first[0]}.{first[1]} to {last[0]}.{last[1]}")


def _spark() -> Finding:
    try:
        spark, delta = version("pyspark"), version("delta-spark")
    except PackageNotFoundError as error:
        return Finding("spark", f"{error.name} isn't installed", f"{SETUP}, or pip install 'opslake[spark]'")
    line = ".".join(spark.split(".")[:2])
    told = f"Spark {spark}, Delta {delta}"
    if line not in DELTA_OF_SPARK:
        return Finding("spark", told, f"use Spark {' or '.join(DELTA_OF_SPARK)}")
    if not delta.startswith(DELTA_OF_SPARK[line] + "."):
        return Finding("spark", told, f"Spark {line} needs delta-spark {DELTA_OF_SPARK[line]}: {SETUP}")
    return Finding("spark", told)


def _jars() -> str:
    try:
        from spark_jobs.session import delta_jars

        jars = delta_jars()
    except ImportError:
        return "not looked for without Spark"
    return f"{len(jars)} in {jars[0].parent}" if jars else "among Spark's own"


def _zone(settings: Settings) -> Finding:
    now = datetime.now(settings.zone)
    offset = now.strftime("%z")
    told = f"{settings.business_timezone} (UTC{offset[:3]}:{offset[3:]}), where it is {now:%Y-%m-%d %H:%M}"
    if settings.today is not None:
        return Finding("time zone", f"{told}; but `today` is set to {settings.today}", "unset it, unless that is meant")
    return Finding("time zone", told)
