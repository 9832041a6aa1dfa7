"""Being stopped: SIGTERM and SIGINT end the run's JVM first and then the run, which gives its lease up.

The order matters: a commit that the JVM finished after the lease was given up would be a commit without a lease.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from pyspark import SparkContext

from spark_jobs.errors import EngineError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen(end: Callable[[], None]) -> None:
    """From now on a signal to stop calls `end` and then ends the main thread: as Ctrl-C does, or as an exit."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # the second Ctrl-C of somebody impatient shall not cost the lease
        end()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    if threading.current_thread() is threading.main_thread():
        for each in SIGNALS:
            signal.signal(each, stop)


@contextmanager
def listening(end: Callable[[], None]) -> Iterator[None]:
    """`listen`, and at the block's end what was before. Threads but the main one can't take signals: nothing there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in SIGNALS}
    listen(end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def end_jvm() -> None:
    """End the JVM at once where this process started it; where it is the submitter's, end its Spark context."""
    context = SparkContext._active_spark_context
    process = getattr(SparkContext._gateway, "proc", None)
    logging.disable()  # PySpark would tell at length that its JVM doesn't answer any more
    if process is not None:
        process.kill()
        process.wait()
    elif context is not None:
        with suppress(Exception):  # the submitter's JVM may be told to stop as well, and answer no more
            context.stop()


def leave(code: int) -> NoReturn:
    """End this process at once, as one that was stopped.

    Native threads may still be in the middle of a commit that they will not make: the interpreter's own end would take
    from them what they work on, and the process would die of that instead of with its exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def stopped(stop: BaseException, command: str) -> EngineError:
    """The error that a run's record has of it; its exit code is the process's."""
    number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM
    error = EngineError(f"the run was stopped by {number.name}", where=command, hint="the next run goes on from here")
    error.exit_code = 128 + number
    return error
