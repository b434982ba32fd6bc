"""The log as a file: a spreadsheet runs nothing of it (hostile-inputs.md I6)."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from control_plane.audit.exports import COLUMNS, csv_head, csv_row, json_line
from control_plane.audit.rules import Actor, ActorKind, Chain, Event, Noted, chained
from shared.runtime.config import Key


def event_of(target: str) -> Event:
    by = Actor(kind=ActorKind.PERSON, id="p_1", email="ada@example.org")
    noted = Noted("client.change", target, {"name": "a"}, {"name": 'b", "c'})
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return chained(Chain("tenant", "a"), Key(b"k" * 32), None, by=by, noted=noted, now=now)


@pytest.mark.parametrize(
    "target", ['=HYPERLINK("//x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"], ids=repr
)
def test_a_cell_that_a_spreadsheet_would_run_is_prefixed(target: str) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_head() + csv_row(event_of(target)), newline="")))
    assert [each["target"] for each in rows] == [f"'{target}"]
    assert rows[0]["after"] == '{"name":"b\\", \\"c"}'


def test_a_line_of_json_has_the_facts_as_json() -> None:
    line = json_line(event_of("=1"))
    assert line.count("\n") == 1
    read = json.loads(line)
    assert tuple(read) == COLUMNS
    assert (read["seq"], read["target"], read["before"]) == (1, "=1", {"name": "a"})
    assert read["who"] == "ada@example.org"
