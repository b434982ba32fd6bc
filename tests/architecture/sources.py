"""The source files of the product and of its tests, read once."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "data_plane", "control_plane", "migrations", "web")


@cache
def files_of(*directories: str) -> list[Path]:
    return sorted(
        path
        for directory in directories
        for path in (ROOT / directory).rglob("*.py")
        if "node_modules" not in path.parts
    )


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def _nodes_in(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(text_of(path), filename=str(path))))


def nodes_of(*directories: str, saying: str = "") -> Iterator[tuple[Path, ast.AST]]:
    """Give the nodes of all files, or of those alone whose text matches `saying`."""
    for path in files_of(*directories):
        if re.search(saying, text_of(path)):
            for node in _nodes_in(path):
                yield path, node


def place(path: Path, node: ast.AST) -> str:
    return f"{shown(path)}:{getattr(node, 'lineno', 0)}"
