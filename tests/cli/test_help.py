"""`opslake --help` and what every command shares."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command

COMMANDS = (
    "run",
    "backfill",
    "status",
    "plan",
    "check",
    "trace",
    "exceptions",
    "sample",
    "land",
    "contract",
    "publish",
    "doctor",
)


def test_help_names_every_command(opslake: Command) -> None:
    """Each with a line that says what it is for."""
    answer = opslake("--help")

    assert answer.code == 0
    assert all(f"│ {name} " in answer.out for name in COMMANDS)


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        "check completeness",
        "check freshness",
        "check notifications",
        "exceptions list",
        "exceptions show",
        "exceptions export",
        "exceptions replay",
        "contract lint",
        "contract new",
        "publish athena",
        "publish bigquery",
    ],
)
def test_every_command_has_help(opslake: Command, command: str) -> None:
    """Exit code 0, and no word of a traceback."""
    answer = opslake(*command.split(), "--help")

    assert answer.code == 0
    assert "Usage: opslake " in answer.out


@pytest.mark.parametrize("arguments", [["nonsense"], ["status", "--days", "0"], ["plan", "--date", "March"]])
def test_what_can_not_be_parsed_is_wrong_usage(opslake: Command, arguments: list[str]) -> None:
    """Exit code 2."""
    assert opslake(*arguments).code == 2


def test_an_unknown_setting_is_wrong_usage(opslake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest is named."""
    monkeypatch.setenv("OPSLAKE_LANDIN", "x")
    answer = opslake("status")

    assert answer.code == 2
    assert "did you mean 'landing'?" in answer.err
