"""Where log events go."""

import io

import pytest

from spark_jobs.log import configure, log


def test_events_go_to_what_standard_error_is_when_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that has been replaced and closed since is nobody's business."""
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", first)
    configure("json")
    first.close()
    monkeypatch.setattr("sys.stderr", second)
    log.warning("source.again", seconds=1.5)
    assert '"seconds": 1.5, "event": "source.again", "level": "warning"' in second.getvalue()
