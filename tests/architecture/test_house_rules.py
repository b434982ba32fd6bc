"""The rules of the house that no linter of ours knows. A rule without a test is a wish."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import (
    PACKAGES,
    files_of,
    nodes_of,
    place,
    shown,
    text_of,
)

_LONGEST_FILE = 300  # lines
_EVERYWHERE = (*PACKAGES, "tests")

# Words that say nothing, wherever they stand in a name; the last two only as the whole of one.
_EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}
_EMPTY_WORDS |= {"manager", "service", "processor"}
_EMPTY_NAMES = _EMPTY_WORDS | {"data", "info"}
_EMPTY_BEGINNINGS = ("handle_", "do_")

_MAY_READ_THE_ENVIRONMENT = ("shared/runtime/config.py", "control_plane/cli/")
_LAST_RESORT = "shared/runtime/asgi_exchange.py"
_MARKS = ("TO" + "DO", "FIX" + "ME", "XX" + "X")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def words_of(name: str) -> set[str]:
    """Split snake_case and CamelCase."""
    return {each.lower() for each in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def says_nothing(name: str) -> bool:
    return (
        name.lower() in _EMPTY_NAMES
        or name.startswith(_EMPTY_BEGINNINGS)
        or not words_of(name).isdisjoint(_EMPTY_WORDS)
    )


@pytest.mark.parametrize(
    ("name", "nothing"),
    [
        ("TokenManager", True),
        ("secret_utils", True),
        ("handle_token", True),
        ("data", True),
        ("data_plane", False),
        ("basement", False),
        ("informed", False),
    ],
)
def test_a_name_that_says_nothing_is_recognised(name: str, *, nothing: bool) -> None:
    assert says_nothing(name) is nothing


def test_no_module_has_a_name_that_says_nothing() -> None:
    folders = {path.parent for path in files_of(*PACKAGES)}
    named = [path.stem for path in files_of(*PACKAGES)] + [each.name for each in folders]
    assert [each for each in named if says_nothing(each)] == []


def test_no_function_or_class_has_a_name_that_says_nothing() -> None:
    assert [
        f"{place(path, node)} {node.name}"
        for path, node in nodes_of(*PACKAGES)
        if isinstance(node, Definition) and says_nothing(node.name)
    ] == []


def test_nothing_is_left_to_do() -> None:
    assert [
        f"{shown(path)}:{number}"
        for path in files_of(*_EVERYWHERE)
        if any(mark in text_of(path) for mark in _MARKS)
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if any(re.search(rf"\b{mark}\b", line) for mark in _MARKS)
    ] == []


def test_annotations_are_there_at_run_time() -> None:
    """msgspec and Litestar read them."""
    assert [
        place(path, node)
        for path, node in nodes_of(*_EVERYWHERE, saying="__future__|TYPE_CHECKING")
        if (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        or (isinstance(node, ast.alias) and node.name == "TYPE_CHECKING")
        or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
    ] == []


def test_the_environment_is_read_in_one_place() -> None:
    reading = {"environ", "environb", "getenv", "getenvb"}
    assert [
        place(path, node)
        for path, node in nodes_of(*PACKAGES, saying="environ|getenv")
        if not shown(path).startswith(_MAY_READ_THE_ENVIRONMENT)
        and (
            (isinstance(node, ast.Attribute) and node.attr in reading)
            or (isinstance(node, ast.alias) and node.name in reading)
        )
    ] == []


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Tell whether it is `except:` or `except Exception`.

    `except BaseException` that cleans up and raises again is allowed.
    """
    caught = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
        if (handler.type)
        else {"Exception"}
    )
    raises_again = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return "Exception" in caught or ("BaseException" in caught and not raises_again)


def test_no_exception_is_caught_blindly_but_in_the_last_resort() -> None:
    assert [
        place(path, node)
        for path, node in nodes_of(*PACKAGES, saying="except")
        if isinstance(node, ast.ExceptHandler)
        and catches_everything(node)
        and shown(path) != _LAST_RESORT
    ] == []


def test_no_exception_is_suppressed_blindly() -> None:
    assert [
        place(path, node)
        for path, node in nodes_of(*PACKAGES, saying="suppress")
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("suppress")
        and {"Exception", "BaseException"} & {ast.unparse(each) for each in node.args}
    ] == []


def test_no_token_is_decoded_by_the_library_that_trusts_its_header() -> None:
    assert [
        place(path, node)
        for path, node in nodes_of(*PACKAGES, saying="decode")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"jwt.decode", "PyJWT.decode"}
    ] == []


def test_a_file_fits_the_size_budget() -> None:
    lengths = {shown(path): len(text_of(path).splitlines()) for path in files_of(*_EVERYWHERE)}
    assert {path: lines for path, lines in lengths.items() if lines > _LONGEST_FILE} == {}


def lacks_docstring(path: Path) -> bool:
    """Look at how the text begins: to parse all tests for it takes longer than all other rules."""
    text = text_of(path).strip()
    return bool(text) and not text.startswith('"""')


def test_every_module_says_what_it_is_for() -> None:
    assert [shown(path) for path in files_of(*_EVERYWHERE) if lacks_docstring(path)] == []
