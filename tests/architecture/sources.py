"""The source files of the product and of its tests, read once."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "data_plane", "control_plane", "migrations", "web")


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
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def nodes_of(*directories: str) -> Iterator[tuple[Path, ast.AST]]:
    for path in files_of(*directories):
        for node in ast.walk(tree_of(path)):
            yield path, node


def place(path: Path, node: ast.AST) -> str:
    return f"{shown(path)}:{getattr(node, 'lineno', 0)}"
