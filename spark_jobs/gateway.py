"""Starting Spark's JVM from plain python, and passing on what it has to say."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import IO

from spark_jobs.errors import EngineError

# Said by every start of Spark 4, about a module that Spark itself asks for; no setting of Java's silences it.
GREETING = "WARNING: Using incubator modules: jdk.incubator.vector"
# Said by the AWS SDK's own copy of a logging library, which finds nothing to log to; Spark's logs aren't touched by it.
UNLOGGED = ("SLF4J: Failed to load class", "SLF4J: Defaulting to no-operation", "SLF4J: See http")


def launch_jvm(settings: Mapping[str, str]) -> None:
    """Start the JVM with these settings and connect to it, unless one is there; EngineError with its last words if not.

    What it writes to stderr comes out on ours, but for the greeting and the like.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    if SparkContext._gateway:
        return
    read_end, write_end = os.pipe()
    last_words: deque[str] = deque(maxlen=12)
    forward = threading.Thread(target=_forward, args=(os.fdopen(read_end, errors="replace"), last_words), daemon=True)
    forward.start()
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    try:
        gateway = launch_gateway(conf, {"stderr": write_end})  # type: ignore[no-untyped-call]  # PySpark has no types here
    except (PySparkRuntimeError, OSError, subprocess.SubprocessError) as error:
        os.close(write_end)
        forward.join(timeout=5)
        raise EngineError(
            "Spark's JVM didn't start",
            where="session",
            value=" | ".join(last_words) or str(error),
            hint="run `make setup`; if it was done, look at the driver's memory and JVM flags in the settings",
        ) from error
    os.close(write_end)
    SparkContext._ensure_initialized(gateway=gateway)


def _forward(lines: IO[str], last_words: deque[str]) -> None:
    with lines:
        for line in lines:
            if line.rstrip() != GREETING and not line.startswith(UNLOGGED):
                last_words.append(line.rstrip())
                sys.stderr.write(line)
