"""A contract drafted from a file: guesses that hold, each with its evidence, in YAML that passes lint."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml

from spark_jobs.contract import Column, Contract, load_contract, read_file
from spark_jobs.draft import draft_contract
from spark_jobs.draft.instants import guess_instants, reads
from spark_jobs.errors import SourceError, UsageError

EXPORT = Path(__file__).parents[2] / "shared" / "data" / "customer_support_tickets.csv"


def drafted(file: Path, text: str | bytes, *, onto: Contract | None = None) -> tuple[str, Contract]:
    """The draft for a file of this content, and the contract that it is once lint has found nothing."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    draft = draft_contract(file, onto=onto)
    read = read_file("draft.odcs.yaml", draft)
    assert [str(finding) for finding in read.findings] == []
    assert read.contract is not None
    return draft, read.contract


def column_of(tmp_path: Path, *values: str) -> Column:
    """The drafted column of a file with a number and one column called `seen`."""
    rows = "\n".join(f"{number};{value}" for number, value in enumerate(values, 1))
    return drafted(tmp_path / "things.csv", f"thing_id;seen\n{rows}\n")[1].column("seen")


def test_format_delimiter_and_encoding_are_guessed_from_the_bytes(tmp_path: Path) -> None:
    """A Western export with semicolons is read as it is, and the draft says why it is thought to be one."""
    text = "Nr;Kunde;Ort\n1;Müller, Anna;Köln\n2;Weiß, Otto;Bonn\n".encode("cp1252")
    draft, contract = drafted(tmp_path / "kunden.csv", text)
    assert contract.options == {"delimiter": ";", "encoding": "cp1252"}
    assert "# guess: delimiter: 3 fields in 2 of the first 2 records" in draft
    assert "# guess: encoding: byte 0xFC at 16 isn't UTF-8" in draft


def test_commas_inside_quotes_and_quoted_line_breaks_do_not_mislead(tmp_path: Path) -> None:
    """The delimiter is what cuts every record into as many fields as the header has."""
    text = 'id\tnote\n1\t"a, b,\nc, d"\n2\t"e, f"\n'
    assert drafted(tmp_path / "notes.tsv", text)[1].options == {"delimiter": "\t"}


def test_json_lines_arrays_and_gzip_are_recognised(tmp_path: Path) -> None:
    """The first character tells lines from an array; a gzip file is read as what it holds."""
    lines = b'{"id": "a", "n": 1}\n{"id": "b"}\n'
    assert drafted(tmp_path / "x.jsonl", lines)[1].options == {"layout": "lines"}
    assert drafted(tmp_path / "x.json", b'[{"id": "a"}, {"id": "b"}]')[1].options == {"layout": "array"}
    zipped = drafted(tmp_path / "x.jsonl.gz", gzip.compress(lines))[1]
    assert (zipped.format, zipped.path) == ("json", "x/%Y/%m/%Y-%m-%d.jsonl")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", "300"], "int"),
        (["1", "12345678901"], "bigint"),
        (["007", "010"], "string"),
        (["1.5", "22.25", "3"], "decimal(18,2)"),
        (["1e5", "2.5"], "double"),
        (["yes", "No", "YES"], "boolean"),
        (["2024-02-29", "2023-12-01"], "date"),
        (["2024-02-29T10:00:00Z", "2023-12-01 09:30"], "timestamp"),
        (["13/2/2024 1:05 PM", "1/2/2024 12:00 AM"], "timestamp"),
        (["2024-02-30", "2023-12-01"], "string"),
        (["a", "1"], "string"),
    ],
)
def test_a_type_is_guessed_only_where_every_value_has_it(tmp_path: Path, values: list[str], kind: str) -> None:
    """Leading zeros make text, an impossible day is no date, whole numbers are sized."""
    assert column_of(tmp_path, *values).type == kind


def test_several_formats_of_one_column_are_all_stated_the_commoner_first(tmp_path: Path) -> None:
    """A column whose source changed its habit is read by two patterns."""
    column = column_of(tmp_path, "1/13/24 8:05", "12/30/23 17:45", "2024-01-02 03:04:05")
    assert column.formats == ("M/d/yy H:mm", "ISO8601")


def test_a_day_that_could_be_a_month_is_said_to_be_open(tmp_path: Path) -> None:
    """Where both orders read every value, the other one is named beside the guess."""
    draft, _ = drafted(tmp_path / "x.csv", "id,day\na,1/2/2024\nb,3/4/2024\n")
    assert "read in 2 of 2 different values; d/M/yyyy would read as many" in draft


def test_the_key_is_a_unique_column_and_an_identifier_before_others(tmp_path: Path) -> None:
    """The evidence names the other unique columns."""
    draft, contract = drafted(tmp_path / "x.csv", "name,order_id\nann,1\nbob,2\n")
    assert contract.key == ("order_id",)
    assert "# guess: key: unique in 2 of 2 records; so are name" in draft


def test_without_a_unique_column_the_draft_says_so_and_still_passes_lint(tmp_path: Path) -> None:
    """A wrong key is worse than a doubtful one that is marked."""
    draft, contract = drafted(tmp_path / "x.csv", "order_id,state\n1,a\n1,b\n2,b\n")
    assert contract.key == ("order_id",)
    assert "nothing is unique; this one has 2 values in 3 records" in draft


def test_null_tokens_are_collected_and_do_not_hide_a_type(tmp_path: Path) -> None:
    """N/A among numbers is a null token, and the column a number that may be null."""
    _, contract = drafted(tmp_path / "x.csv", "id,score\na,1\nb,N/A\nc,3\nd,?\n")
    assert set(contract.null_tokens) == {"N/A", "?"}
    score = contract.column("score")
    assert (score.type, score.required) == ("int", False)


def test_few_repeated_values_are_an_enumeration_without_case(tmp_path: Path) -> None:
    """The commoner spelling is kept; few records or many values make none."""
    states = ["Open"] * 60 + ["Closed"] * 30 + ["CLOSED"] * 10
    rows = "".join(f"{number},{state}\n" for number, state in enumerate(states))
    assert drafted(tmp_path / "x.csv", f"id,state\n{rows}")[1].column("state").accepted == ("Closed", "Open")
    assert column_of(tmp_path, "a", "b", "a").accepted == ()


def test_an_exported_index_and_names_of_the_engine_make_no_trouble(tmp_path: Path) -> None:
    """An unnamed first column is left out; a column called year is stored under another name."""
    _, contract = drafted(tmp_path / "x.csv", ",id,year,logical_date\n0,a,2024,2024-01-01\n1,b,2024,2024-01-02\n")
    assert [(c.name, c.sources) for c in contract.columns] == [
        ("id", ("id",)),
        ("source_year", ("year",)),
        ("source_logical_date", ("logical_date",)),
    ]
    assert contract.event_date == "source_logical_date"


def test_every_guess_of_a_draft_is_marked(tmp_path: Path) -> None:
    """Type, key, presence, format and dates each stand below a comment; personal data is classified."""
    draft, contract = drafted(tmp_path / "x.csv", "id,email,sent_at\na,a@b.example,2024-01-01 10:00\n")
    assert draft.count("# guess: ") >= 10
    assert contract.column("email").classification == "personal"
    assert (contract.event_date, contract.column("sent_at_date").derived) == ("sent_at_date", True)


def test_headers_cannot_break_out_of_their_comments(tmp_path: Path) -> None:
    """A line break or a quote in a header stays inside the comment that shows it."""
    _, contract = drafted(tmp_path / "x.csv", 'id,"a ""b""\nkind: evil"\n1,2\n')
    assert [c.name for c in contract.columns] == ["id", "a_b_kind_evil"]


def test_files_that_hold_nothing_or_two_headers_of_one_name_are_refused(tmp_path: Path) -> None:
    """There is nothing to draft from, or no telling which column is meant."""
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(SourceError, match="the file is empty"):
        draft_contract(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("order id,orderid\n1,2\n")
    with pytest.raises(SourceError, match="two headers"):
        draft_contract(tmp_path / "x.csv")
    with pytest.raises(SourceError, match="can't be read"):
        draft_contract(tmp_path / "nowhere.csv")


def test_a_dataset_can_be_named_and_must_be_named_right(tmp_path: Path) -> None:
    """Without a name it is called after the file, dates left out."""
    file = tmp_path / "Parcel Export-2024-01-02.csv"
    file.write_text("id\n1\n")
    assert "\nname: parcel_export\n" in draft_contract(file)
    assert "\nname: parcels\n" in draft_contract(file, dataset="parcels")
    with pytest.raises(UsageError, match="snake_case"):
        draft_contract(file, dataset="Parcel Export")


def test_headers_are_mapped_onto_a_known_dataset_by_name_and_meaning(tmp_path: Path) -> None:
    """Equal names need no entry, similar ones get one, values are mapped, the rest is listed."""
    rows = "".join(f"T{n},2024-01-02 03:04:05,Urgency high,in-progress,{n}.5,me\n" for n in range(60))
    text = f"Ticket ID,Opened On,Ticket Urgency,State,SLA Hours,Mood\n{rows}"
    draft, contract = drafted(tmp_path / "x.csv", text, onto=load_contract("tickets"))
    assert contract.column("created_at").sources == ("opened_on",)
    assert (
        contract.column("status").transform == "case lower(state) when 'in-progress' then 'In Progress' else state end"
    )
    assert contract.column("priority").transform == (
        "case lower(ticket_urgency) when 'urgency high' then 'High' else ticket_urgency end"
    )
    assert contract.column("sla_hours").sources == ("sla_hours",)
    assert '#   "Mood" (string' in draft
    stated = {entry["name"] for entry in yaml.safe_load(draft)["schema"][0]["properties"]}
    assert not stated & {"ticket_id", "sla_hours"}


@pytest.mark.skipif(not EXPORT.exists(), reason="the public export lies beside the project, not in it")
def test_the_public_export_is_mapped_but_for_what_it_does_not_hold() -> None:
    """All but the hours of SLA is found in the customer-support export; they are asked for in a comment."""
    draft = draft_contract(EXPORT, onto=load_contract("tickets"))
    contract = read_file("draft.odcs.yaml", draft).contract
    assert contract is not None
    ways = {c.name: c.sources for c in contract.columns}
    assert ways["created_at"] == ("first_response_time",)
    assert ways["resolved_at"] == ("time_to_resolution",)
    assert (ways["category"], ways["channel"]) == (("ticket_type",), ("ticket_channel",))
    assert "when 'pending customer response' then 'Pending'" in draft
    assert "unique in 8,469 of 8,469 records" in draft
    assert "to do: sla_hours (decimal(9,2)) is required" in draft


@pytest.mark.parametrize(
    ("pattern", "text", "read"),
    [
        ("M/d/yy H:mm", "6/1/23 4:55", True),
        ("M/d/yy H:mm", "6/1/2023 4:55", False),
        ("M/d/yy H:mm", "13/1/23 4:55", False),
        ("h:mm a", "12:05 PM", True),
        ("ISO8601", "2024-02-30T10:00", False),
        ("ISO8601", "2024-02-29 10:00:00.123456+02:00", True),
        ("d-MMM-yy", "1-Feb-24", True),
    ],
)
def test_a_pattern_reads_what_spark_would_read_by_it(pattern: str, text: str, read: bool) -> None:
    """Widths and impossible dates count as they do in Spark's CORRECTED parsing."""
    assert reads(pattern, text) is read


def test_values_that_are_no_dates_give_no_patterns() -> None:
    """Text that only looks like a date now and then isn't one."""
    assert guess_instants(["2024-01-01", "tomorrow", "2024-01-03"]) is None
