"""What others wrote and the browser gets from us is what they published."""

from hashlib import sha256

import msgspec
import pytest

from tests.architecture.sources import ROOT

_STATIC = ROOT / "web" / "static"


class Vendored(msgspec.Struct, frozen=True):
    """A file of an npm package, as `npm pack PACKAGE@VERSION` has it."""

    file: str
    package: str
    version: str
    licence: str
    path: str
    sha256: str


_HELD = msgspec.json.decode((_STATIC / "vendor.json").read_bytes(), type=list[Vendored])


@pytest.mark.parametrize("held", _HELD, ids=lambda each: each.file)
def test_a_vendored_file_is_as_it_was_taken(held: Vendored) -> None:
    assert sha256((_STATIC / held.file).read_bytes()).hexdigest() == held.sha256


def test_no_script_is_there_that_nobody_answers_for() -> None:
    ours = {"app.js", "passkeys.js"}
    assert {path.name for path in _STATIC.glob("*.js")} == ours | {each.file for each in _HELD}
