"""What the entry points for spark-submit share: the platform's own arguments are set aside, the rest is ours."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping, Sequence
from functools import partial

from spark_jobs.errors import LAKE_HELD, OK
from spark_jobs.log import configure, log

GLUE = (
    "--enable-auto-scaling", "--enable-job-insights", "--enable-glue-datacatalog",
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
    from spark_jobs.stopping import listen

    root, own = split_arguments(take_settings(sys.argv[1:], os.environ))
    sys.argv = ["opslake", *root, command, *own]
    configure()  # for what is told before the settings are known
    listen(lambda: None)  # a job that is ended before it holds the lake has nothing to end, but says so too
    main(last=partial(_tell, command))


def _tell(command: str, code: int) -> None:
    """The job's last event, which the clouds' alerts look for. Of a lake that is held its holder will tell."""
    if code == OK:
        log.info("run.done", command=command)
    elif code != LAKE_HELD:
        log.error("run.failed", command=command, exit_code=code)


def take_settings(arguments: Sequence[str], environment: MutableMapping[str, str]) -> list[str]:
    """The arguments without `--OPSLAKE_…`, which become variables: a Glue job has arguments, and no environment.

    A later argument of one name wins, and all of them win over the environment. Glue's option for pip goes too: its
    value begins like an option.
    """
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word.startswith("--OPSLAKE_"):
            name, _, value = word[2:].partition("=")
            environment[name] = value if "=" in word else next(words, "")
        elif word == "--python-modules-installer-option":
            next(words, "")
        else:
            rest.append(word)
    return rest


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
