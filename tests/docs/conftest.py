"""Pages are executed in an empty directory, by the command line as a user runs it."""

from __future__ import annotations

from tests.cli.conftest import landing, opslake, root

__all__ = ["landing", "opslake", "root"]
