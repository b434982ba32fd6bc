"""Each import contract of pyproject.toml is seen to fail when it is broken."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_COPIED = ("shared", "data_plane", "control_plane", "migrations", "pyproject.toml")
_LINTER = Path(sys.executable).with_name("lint-imports")
_PATIENCE = 60  # seconds

# contract -> the file to offend in, and the import that offends
_OFFENCES = {
    "planes": ("data_plane/signing.py", "import control_plane.keys.actions"),
    "data-plane-layers": ("data_plane/protocol/errors.py", "import data_plane.ports"),
    "control-plane-layers": ("control_plane/keys/rules.py", "import control_plane.cli.command"),
    "pure": ("data_plane/protocol/errors.py", "import time"),
    "shared": ("shared/domain/scope.py", "import shared.runtime.config"),
    "data-plane-start": ("data_plane/app.py", "import shared.runtime.database"),
    "stripe": ("control_plane/billing/books.py", "import stripe"),
    "support-layers": ("control_plane/support/shown.py", "import control_plane.support.home.pages"),
    "no-cycles": ("control_plane/keys/actions.py", "import control_plane.apis.actions"),
    "feature-layers": ("control_plane/clients/rules.py", "import control_plane.clients.actions"),
    "diagnosis-layers": (
        "control_plane/support/diagnosis/rules.py",
        "import control_plane.support.diagnosis.actions",
    ),
}


def contracts() -> list[str]:
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    return [each["id"] for each in settings["tool"]["importlinter"]["contracts"]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=ignore)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def lint(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_LINTER, "--no-cache", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )


def test_every_contract_is_kept(copy: Path) -> None:
    said = lint(copy)
    assert said.returncode == 0, said.stdout
    assert f"{len(contracts())} kept, 0 broken" in said.stdout


@pytest.mark.parametrize("contract", contracts())
def test_a_contract_fails_when_it_is_broken(contract: str, copy: Path) -> None:
    assert contract in _OFFENCES, f"give an import that offends against {contract!r}"
    path, offence = _OFFENCES[contract]
    with (copy / path).open("a") as file:
        file.write(f"\n{offence}\n")
    said = lint(copy, "--contract", contract)
    assert said.returncode == 1, said.stdout
    assert "0 kept, 1 broken" in said.stdout


def test_a_new_top_level_module_breaks_the_build_until_it_has_a_layer(copy: Path) -> None:
    (copy / "data_plane/shelf.py").write_text('"""Belongs nowhere."""\n')
    said = lint(copy, "--contract", "data-plane-layers")
    assert said.returncode == 1, said.stdout
    assert "shelf" in said.stdout


def test_the_data_plane_starts_without_the_control_planes_libraries() -> None:
    program = (
        "import sys, data_plane.app;"
        "print(*{each.partition('.')[0] for each in sys.modules}"
        " & {'sqlalchemy', 'alembic', 'control_plane', 'migrations', 'psutil', 'click', 'redis'})"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == ""
