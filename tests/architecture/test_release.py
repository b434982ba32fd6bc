"""What is locked, and what is released: hashes for everything, hosts for nothing."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.sources import ROOT, shown

_PINNED = re.compile(r"[A-Za-z0-9._-]+==[^\s;]+( ; [^\\]+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_NPM_LOCKS = sorted(
    path for path in (ROOT / "tests").rglob("package-lock.json") if "node_modules" not in path.parts
)


def requirements() -> Iterator[list[str]]:
    """Give each requirement with its hashes: the lines that backslashes join."""
    joined = (ROOT / "requirements.lock").read_text().replace("\\\n", "\n\t")
    for entry in re.split(r"\n(?!\t)", joined.strip()):
        yield [line.strip() for line in entry.split("\n\t")]


def test_every_requirement_is_pinned_and_has_hashes_and_nothing_else() -> None:
    for requirement, *hashes in requirements():
        assert _PINNED.fullmatch(requirement), requirement
        assert hashes, f"{requirement} has no hash"
        assert all(_HASH.fullmatch(each) for each in hashes), requirement


def test_no_host_stands_in_the_lock() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert not re.search(r"--(extra-)?index|--find-links|--trusted-host| @ ", text)


def test_the_lock_has_everything_that_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    locked = {normal(each[0].partition("==")[0]) for each in requirements()}
    names = {normal(re.split(r"[\[<>=;! ]", each)[0]) for each in asked}
    assert names <= locked


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", _NPM_LOCKS, ids=shown)
def test_every_npm_package_has_a_hash_and_none_has_a_host(path: Path) -> None:
    text = path.read_text()
    packages: dict[str, dict[str, Any]] = json.loads(text)["packages"]
    assert [name for name, each in packages.items() if name and "integrity" not in each] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert "registry" not in text


def test_the_version_has_a_heading_in_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## .*\b{re.escape(version)}\b", changelog, re.MULTILINE)
