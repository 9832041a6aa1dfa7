"""Headers: matched with the contract's names first, folded to snake_case only when the contract doesn't know them."""

from __future__ import annotations

import pytest

from spark_jobs.errors import ContractError, SourceError
from spark_jobs.sources.headers import fold, match_headers, squeeze


@pytest.mark.parametrize(
    ("delivered", "known"),
    [
        ("customeR iD", "customer_id"),
        ("COMPLAINT_catego ry", "complaint_category"),
        ("NamE", "name"),
        ("  Ticket-ID. ", "ticket_id"),
        ("ticket\u00a0id\u200b", "ticket_id"),
        ("\ufeffticket_id", "ticket_id"),
        ("Ｔｉｃｋｅｔ ＩＤ", "ticket_id"),
        ("First Response Time", "First Response Time"),
        ("stra\u00dfe", "STRASSE"),
        ("Priorite\u0301", "priorité"),
        ("Priorité", "priorite"),
        ("Prïo rity", "priority"),
    ],
)
def test_a_header_is_found_whatever_its_separators_and_case(delivered: str, known: str) -> None:
    """The column goes by the contract's own spelling, and nothing is missing."""
    found = match_headers([delivered], [known])
    assert (found.columns, found.extra, found.missing) == ((known,), (None,), ())


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("customerID", "customer_id"),
        ("CustomerName", "customer_name"),
        ("HTTPServerName", "http_server_name"),
        ("Amount (USD)", "amount_usd"),
        ("__a--b..c  d__", "a_b_c_d"),
        ("ORDER_ID", "order_id"),
        ("address1Line", "address1_line"),
        ("Größe", "grosse"),
        ("café", "cafe"),
        ("日付", "u65e5u4ed8"),
        ("line\nbreak", "line_break"),
        ("2fa", "c_2fa"),
        ("", "unnamed_3"),
        ("#%", "unnamed_3"),
    ],
)
def test_unknown_names_become_snake_case(name: str, folded: str) -> None:
    """ASCII letters, digits and underscores only; no two distinct alphabets fall together."""
    assert fold(name, 3) == folded


def test_squeezing_keeps_letters_and_digits_of_every_alphabet() -> None:
    """Separators, signs and case go."""
    assert squeeze("Ünter-Nehmen_№ 7 / Дата") == "ünternehmenno7дата"


def test_columns_stand_at_their_delivered_position() -> None:
    """Known ones under the contract's name, unknown ones folded, and what wasn't delivered is missing."""
    found = match_headers(["Status", "newField", "TICKET ID"], ["ticket_id", "priority", "status"])
    assert found.names == ("Status", "newField", "TICKET ID")
    assert found.columns == ("status", None, "ticket_id")
    assert found.extra == (None, "new_field", None)
    assert found.missing == ("priority",)


@pytest.mark.parametrize(
    ("header", "known", "name"),
    [
        (["Ticket ID", "ticket_id"], ["ticket_id"], "ticket_id"),
        (["café", "cafe"], ["cafe"], "cafe"),
        (["a", "a"], ["a"], "a"),
    ],
)
def test_two_headers_that_end_at_one_name_are_an_error_that_names_both(
    header: list[str], known: list[str], name: str
) -> None:
    """Which of the two is meant can't be guessed."""
    with pytest.raises(SourceError) as caught:
        match_headers(header, known, where="day.csv")
    message = str(caught.value)
    assert message.startswith(f"day.csv: two headers end at the name {name!r}: {header[0]!r} and {header[1]!r}")


def test_two_headers_of_one_name_that_nobody_knows_are_told_by_their_places() -> None:
    """In a file without a header they would be what a record holds."""
    with pytest.raises(SourceError) as caught:
        match_headers(["c1", "Ann Lee", "ann-lee"], ["customer_id"], where="day.csv")
    assert str(caught.value).startswith(
        "day.csv: two headers that the contract doesn't know end at one name, the 2. and 3.; "
    )


@pytest.mark.parametrize("index", ["", " ", "index", "Index", "unnamed_0", "Unnamed: 0", "__index_level_0__"])
def test_an_exported_index_is_dropped_or_kept_as_asked(index: str) -> None:
    """Kept, it goes by `source_row_id`: among the unknown columns, or to the contract's column of that name."""
    dropped = match_headers([index, "a"], ["a"])
    assert (dropped.columns, dropped.extra) == ((None, "a"), (None, None))
    kept = match_headers([index, "a"], ["a"], keep_source_row_id=True)
    assert (kept.columns, kept.extra) == ((None, "a"), ("source_row_id", None))
    known = match_headers([index, "a"], ["a", "source_row_id"], keep_source_row_id=True)
    assert (known.columns, known.extra) == (("source_row_id", "a"), (None, None))
    assert known.missing == ()


def test_an_index_that_the_contract_knows_is_a_column() -> None:
    """The contract's names come first."""
    assert match_headers(["Index", "a"], ["a", "index"]).columns == ("index", "a")


def test_only_a_leading_unnamed_column_is_an_index() -> None:
    """Elsewhere it is a column without a name, as a trailing delimiter makes it."""
    found = match_headers(["a", "", ""], ["a"])
    assert found.extra == (None, "unnamed_1", "unnamed_2")


def test_an_index_by_name_may_stand_anywhere() -> None:
    """Some exports append theirs at the end."""
    assert match_headers(["a", "__index_level_0__"], ["a"]).extra == (None, None)


def test_two_dropped_indexes_do_not_collide() -> None:
    """They end at no name; kept, they would end at the same."""
    assert match_headers(["", "index", "a"], ["a"]).columns == (None, None, "a")
    with pytest.raises(SourceError, match="source_row_id"):
        match_headers(["", "index", "a"], ["a"], keep_source_row_id=True)


def test_contract_names_that_cannot_be_told_apart_are_refused() -> None:
    """Otherwise one of them would silently stay empty."""
    with pytest.raises(ContractError, match="'ticket_id' and 'TicketID'"):
        match_headers(["x"], ["ticket_id", "TicketID"])
