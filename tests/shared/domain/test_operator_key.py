"""The operators' key set: public keys of two kinds, and nothing else."""

from typing import Any

import msgspec
import pytest

from shared.domain.jwk import Algorithm, generate_private_key
from shared.domain.operator_key import read_operator_keys
from tests.management import KEYS, jwks_of

_GOOD: dict[str, Any] = msgspec.json.decode(jwks_of(KEYS))["keys"][0]


def text_of(*keys: dict[str, Any]) -> str:
    return msgspec.json.encode({"keys": keys}).decode()


def test_both_kinds_are_read() -> None:
    held = {each.kid: each.key for each in read_operator_keys(jwks_of(KEYS))}
    assert held == {kid: key.public_key() for kid, key in KEYS.items()}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="no-object"),
        pytest.param('{"keys":[]}', id="no-keys"),
        pytest.param(text_of(_GOOD | {"kid": ""}), id="kid-empty"),
        pytest.param(text_of({k: v for k, v in _GOOD.items() if k != "kid"}), id="kid-missing"),
        pytest.param(text_of(_GOOD, _GOOD), id="kid-twice"),
        pytest.param(text_of(_GOOD | {"d": _GOOD["x"]}), id="private"),
        pytest.param(text_of(_GOOD | {"x": _GOOD["y"]}), id="off-the-curve"),
        pytest.param(text_of(_GOOD | {"x": _GOOD["x"][:-2]}), id="coordinate-short"),
        pytest.param(text_of(_GOOD | {"x": "Ä" * 43}), id="coordinate-not-base64"),
        pytest.param(text_of(_GOOD | {"crv": "P-384"}), id="curve"),
        pytest.param(text_of(_GOOD | {"crv": "Ed25519"}), id="curve-of-another-kind"),
        pytest.param(jwks_of({"r": generate_private_key(Algorithm.RS256)}), id="rsa"),
    ],
)
def test_anything_else_is_refused_in_constant_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a JWKS of public keys"):
        read_operator_keys(text)
