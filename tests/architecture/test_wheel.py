"""The wheel, built offline, holds everything that a customer's installation needs."""

import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT, files_of, shown

_PATIENCE = 60  # seconds
_MIGRATIONS = {
    "migrations/alembic.ini",
    "migrations/control/env.py",
    "migrations/control/script.py.mako",
    "migrations/tenant/env.py",
    "migrations/tenant/script.py.mako",
}


@pytest.fixture(scope="module")
def unzipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", made],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=_PATIENCE,
    )
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(made / "site")
    return made / "site"


def contents(site: Path) -> set[str]:
    return {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}


def test_it_holds_every_source_file(unzipped: Path) -> None:
    assert {shown(path) for path in files_of(*PACKAGES)} <= contents(unzipped)


def test_it_holds_what_the_migrations_need(unzipped: Path) -> None:
    held = contents(unzipped)
    assert held >= _MIGRATIONS
    for tree in ("control", "tenant"):
        assert [each for each in held if each.startswith(f"migrations/{tree}/versions/")]


def test_it_holds_the_pages_and_what_they_load(unzipped: Path) -> None:
    held = contents(unzipped)
    for directory in ("templates", "static", "icons"):
        ours = (path for path in (ROOT / "web" / directory).rglob("*") if path.is_file())
        assert {shown(path) for path in ours} <= held


def test_it_holds_nothing_else(unzipped: Path) -> None:
    tops = {each.partition("/")[0] for each in contents(unzipped)}
    (metadata,) = {each for each in tops if each.endswith(".dist-info")}
    assert tops == {*PACKAGES, metadata}
    assert not [each for each in contents(unzipped) if "__pycache__" in each]


def test_it_installs_the_command(unzipped: Path) -> None:
    (written,) = unzipped.glob("*.dist-info/entry_points.txt")
    entry_points = ConfigParser()
    entry_points.read(written)
    assert entry_points["console_scripts"]["auth-service"] == "control_plane.cli.main:main"


def test_what_is_unzipped_works_by_itself(unzipped: Path, tmp_path: Path) -> None:
    program = (
        "import control_plane.cli.main, control_plane.cli.dev, data_plane.app, migrations.run;"
        "print(migrations.run.__file__, migrations.run.tenant_head());"
        "print(len(migrations.run.tenant_script(None)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unzipped), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    ).stdout.split()
    assert said[0].startswith(str(unzipped))
    assert int(said[2]) > 1_000
