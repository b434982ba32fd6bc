"""The README is held against the code: what it names exists, and what exists it names."""

import re

import click
import pytest

from control_plane.cli.main import main
from shared.runtime.config import FIELDS
from tests.architecture.sources import ROOT, files_of, shown

_README = ROOT / "README.md"
_CODE = re.compile(r"`([^`]+)`")
_COMMAND = re.compile(r"(?:^|[\s/;|&(])auth-service[ \t]+([^\n|;&)#]*)")
_NAME = re.compile(r"[a-z][a-z-]*")


def section(heading: str) -> str:
    """Give the text from a heading to the next of its rank."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)",
        _README.read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert found is not None, f"the README has no heading '## {heading}'"
    return found[1]


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the table under a heading, without its head."""
    lines = [line.strip() for line in section(heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(cells) > 2, f"there is no table under '## {heading}'"
    return cells[2:]


@pytest.mark.parametrize("heading", ["Where is…", "RFC map"])
def test_every_path_in_its_tables_exists(heading: str) -> None:
    for row in rows(heading):
        paths = _CODE.findall(row[-1])
        assert paths, f"no path in {row}"
        assert [each for each in paths if not (ROOT / each).exists()] == []


def test_every_row_of_the_rfc_map_names_an_rfc_and_a_section() -> None:
    for rfc, part, _ in rows("RFC map"):
        assert re.search(r"\d{4}", rfc), rfc
        assert part, f"no section for {rfc}"


def test_every_file_of_the_protocol_is_named() -> None:
    readme = _README.read_text()
    files = [shown(path) for path in files_of("data_plane/protocol") if path.stem != "__init__"]
    assert files
    assert [each for each in files if each not in readme] == []


def test_the_table_of_variables_is_the_configurations() -> None:
    named = [name for row in rows("Configuration") for name in _CODE.findall(row[0])]
    assert sorted(named) == sorted(FIELDS)


def commands_in_code() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", _README.read_text(), re.DOTALL | re.MULTILINE)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [found.split() for found in _COMMAND.findall(joined)]


def unknown_part(words: list[str]) -> str | None:
    """Give the first word that is no command of ours, or None; options and arguments follow."""
    command: click.Command = main
    for word in words:
        if not isinstance(command, click.Group) or not _NAME.fullmatch(word):
            return None
        found = command.get_command(click.Context(command), word)
        if found is None:
            return word
        command = found
    return None


def test_every_command_in_its_code_blocks_exists() -> None:
    commands = commands_in_code()
    assert commands, "the README shows no command"
    assert [words for words in commands if unknown_part(words) is not None] == []


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        ("tenant create acme --json", None),
        ("dev --port 9000", None),
        ("tenant nonsense acme", "nonsense"),
        ("nonsense", "nonsense"),
    ],
)
def test_an_unknown_command_is_recognised(words: str, unknown: str | None) -> None:
    assert unknown_part(words.split()) == unknown
