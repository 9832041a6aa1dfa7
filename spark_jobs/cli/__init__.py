"""`opslake`: the command line. Commands parse, wire and show; what they do lives beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from spark_jobs.cli.app import app
from spark_jobs.errors import ENGINE_FAILED, OK, OpslakeError

SIGNALLED = 128  # an exit code above it tells which signal ended a process


def main(last: Callable[[int], None] | None = None) -> NoReturn:
    """Entry point: errors of ours end as one message and their exit code, never as a traceback.

    `last` is called with the exit code before the process is left, however it ends.
    """
    code = ENGINE_FAILED
    try:
        code = _run()
    finally:
        if last is not None:
            last(code)
    if code > SIGNALLED:
        from spark_jobs.stopping import leave

        leave(code)
    sys.exit(code)


def _run() -> int:
    """The command's exit code."""
    from spark_jobs.cli.show import show_error

    try:
        app(prog_name="opslake")
    except OpslakeError as error:
        show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return SIGNALLED + 2
    except SystemExit as end:
        return int(end.code or OK)
    except Exception as error:
        show_error(error)
        return ENGINE_FAILED
    return OK
