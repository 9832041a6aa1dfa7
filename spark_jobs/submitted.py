"""What the entry points for spark-submit share: the platform's own arguments are set aside, the rest is ours."""

from __future__ import annotations

import sys
from collections.abc import Sequence

GLUE = (
    "--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION", "--TempDir", "--job-language",
    "--job-bookmark-option", "--job-bookmark-from", "--job-bookmark-to", "--datalake-formats", "--conf",
    "--extra-py-files", "--additional-python-modules", "--enable-metrics", "--enable-observability-metrics",
    "--enable-continuous-cloudwatch-log", "--enable-spark-ui", "--spark-event-logs-path", "--class", "--scriptLocation",
)  # fmt: skip
SET_ASIDE = (*GLUE, "--trigger-id")  # the trigger function's name for the job
FLAGS = ("--force", "--accept-rejects", "--json")  # Glue can't give an option without a value: theirs is `true`
ROOT_OPTIONS = ("--lake", "--landing", "--contracts", "--quiet", "-q")


def submitted(command: str) -> None:
    """Run a command with the arguments that the job was submitted with; ends the process with its exit code."""
    from spark_jobs.cli import main

    root, own = split_arguments(sys.argv[1:])
    sys.argv = ["opslake", *root, command, *own]
    main()


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments that stand before the command and those after it, without those of AWS Glue and the trigger."""
    root: list[str] = []
    own: list[str] = []
    rest = list(arguments)
    while rest:
        one = rest.pop(0)
        name = one.split("=", 1)[0]
        takes_value = "=" not in one and bool(rest) and not rest[0].startswith("-")
        if name in SET_ASIDE or name.upper().startswith("--JOB_"):
            if takes_value:
                rest.pop(0)
        elif name in ROOT_OPTIONS:
            root.append(one)
            if takes_value and name not in ("--quiet", "-q"):
                root.append(rest.pop(0))
        else:
            own.append(one)
            if name in FLAGS and takes_value and rest[0] == "true":
                rest.pop(0)
    return root, own
