"""`opslake`: the command line. Commands parse, wire and show; what they do lives beside them."""

from __future__ import annotations

import sys
from typing import NoReturn

from spark_jobs.cli.app import app
from spark_jobs.errors import ENGINE_FAILED, OpslakeError

SIGNALLED = 128  # an exit code above it tells which signal ended a process


def main() -> None:
    """Entry point: errors of ours end as one message and their exit code, never as a traceback."""
    from spark_jobs.cli.show import show_error

    try:
        app(prog_name="opslake")
    except OpslakeError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _leave(130)
    except SystemExit as end:
        if isinstance(end.code, int) and end.code > SIGNALLED:
            _leave(end.code)
        raise
    except Exception as error:
        show_error(error)
        sys.exit(ENGINE_FAILED)


def _leave(code: int) -> NoReturn:
    from spark_jobs.stopping import leave

    leave(code)
