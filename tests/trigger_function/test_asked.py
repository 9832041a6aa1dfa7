"""A request is read strictly: what can't be meant is refused with what was found and what is allowed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.trigger_function.conftest import Call, bearer, client_of
from trigger_function.asked import Asked, from_text

TODAY = date(2026, 3, 5)
DAY = date(2026, 3, 4)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", Asked()),
        ("  \n", Asked()),
        ("{}", Asked()),
        ('{"force": false}', Asked()),
        ('{"date": "2026-03-04"}', Asked(DAY, DAY)),
        ('{"date": "2026-03-05"}', Asked(TODAY, TODAY)),
        ('{"start": "2026-03-01", "end": "2026-03-04", "force": true}', Asked(date(2026, 3, 1), DAY, True)),
    ],
)
def test_a_request_says_which_days(text: str, asked: Asked) -> None:
    """Nothing, a day, or days."""
    assert from_text(text, TODAY) == asked


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("[]", {"what": "the request isn't an object", "value": "[]", "allowed": "a JSON object, or nothing"}),
        ("{", {"what": "the request isn't JSON", "value": "{", "allowed": "a JSON object, or nothing"}),
        (
            '{"dat": "2026-03-04"}',
            {
                "what": "unknown parameter",
                "value": "dat",
                "allowed": "date, start, end, force",
                "hint": "did you mean 'date'?",
            },
        ),
        ('{"date": 20260304}', {"what": "not a date", "where": "date", "value": "20260304", "allowed": "YYYY-MM-DD"}),
        ('{"date": null}', {"what": "not a date", "where": "date", "value": "null", "allowed": "YYYY-MM-DD"}),
        (
            '{"date": "20260304"}',
            {"what": "not a date", "where": "date", "value": "20260304", "allowed": "YYYY-MM-DD"},
        ),
        (
            '{"date": "2026-03-04T00:00"}',
            {"what": "not a date", "where": "date", "value": "2026-03-04T00:00", "allowed": "YYYY-MM-DD"},
        ),
        (
            '{"date": "2026-02-30"}',
            {
                "what": "no such day",
                "where": "date",
                "value": "2026-02-30",
                "allowed": "a day of the calendar, YYYY-MM-DD",
            },
        ),
        (
            '{"date": "2026-03-06"}',
            {
                "what": "a day that has not begun",
                "where": "date",
                "value": "2026-03-06",
                "allowed": "up to 2026-03-05",
            },
        ),
        (
            '{"start": "2026-03-04"}',
            {"what": "`end` is missing", "where": "end", "allowed": "start and end, or date"},
        ),
        (
            '{"start": "2026-03-04", "end": "2026-03-01"}',
            {
                "what": "`start` is after `end`",
                "value": "2026-03-04 > 2026-03-01",
                "allowed": "start on or before end",
            },
        ),
        (
            '{"date": "2026-03-04", "end": "2026-03-04"}',
            {"what": "`date` is one day", "value": "['date', 'end']", "allowed": "date, or start and end"},
        ),
        (
            '{"date": "2026-03-04", "force": "true"}',
            {"what": "not a truth value", "where": "force", "value": "true", "allowed": "true, false"},
        ),
        (
            '{"force": true}',
            {
                "what": "a forced run needs its days",
                "where": "force",
                "value": True,
                "allowed": "with date, or start and end",
            },
        ),
        (
            '{"date": "2026-03-04", "date": "2026-03-03"}',
            {"what": "a parameter stands twice", "value": "date", "allowed": "each once"},
        ),
    ],
)
def test_what_cant_be_meant_is_a_400_that_says_why(call: Call, body: str, error: dict[str, Any]) -> None:
    """Nothing is looked at and nothing starts."""
    answer = call(body)

    assert answer.status_code == 400
    assert answer.json == {"status": "refused", "error": error}


def test_a_body_without_end_is_refused(call: Call) -> None:
    """Before it is read as JSON."""
    answer = call("[" * 20_000)

    assert (answer.status_code, answer.json["error"]["what"]) == (400, "the request is too long")


def test_parameters_in_the_address_are_refused(call: Call) -> None:
    """A date there would go unheard, and all that is due would start."""
    answer = call(query_string={"date": "2026-03-04"})

    assert (answer.status_code, answer.json["error"]["where"]) == (400, "query")


def test_a_get_starts_nothing() -> None:
    """Somebody looks at the address with a browser."""
    answer = client_of("trigger").get("/", headers=bearer())

    assert (answer.status_code, answer.json["error"]["allowed"]) == (400, "POST")
