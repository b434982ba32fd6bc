"""The vectors of C2SP/wycheproof against our reading and verifying of what others have signed.

They are not part of the project: github.com/C2SP/wycheproof, commit dac1dd4, Apache-2.0. They are
looked for in the directory that WYCHEPROOF names, or beside the checkout; where they are not, this
is skipped and says so.
"""

import json
import os
from base64 import urlsafe_b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from data_plane.signing import ForeignVerifier
from shared.domain.client_jwk import InvalidKeySet, check_key_set
from shared.domain.jws import FOREIGN_ALGORITHMS, MAXIMUM_TOKEN, MalformedJws, read_jws

_BESIDE = Path(__file__).parents[3] / "shared" / "data" / "wycheproof"  # the checkout's neighbour
VECTORS = Path(os.environ.get("WYCHEPROOF") or _BESIDE)
FILES = ("signature", "key", "crypto")
TOTAL = 510

# Valid by the standards, and refused here: the algorithm is none that we take from others.
NOT_TAKEN = {
    "HS256": (14, "a shared secret: whoever verifies could sign (RFC 8725 section 3.1)"),
    "HS384": (1, "a shared secret"),
    "HS512": (1, "a shared secret"),
    "RS384": (4, "not offered: RS256 is what libraries default to"),
    "RS512": (4, "not offered"),
    "PS384": (6, "not offered"),
    "PS512": (4, "not offered"),
    "ES512": (2, "not offered"),
    "A256KW": (1, "encryption: five parts are no JWS"),
    "ECDH-ES+A128KW": (1, "encryption"),
}


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As lenient as our own headers can be: no `typ` is asked for, `crit` ends the reading."""

    alg: str
    kid: str | None = None
    typ: str | None = None


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    keys: list[dict[str, Any]]
    text: str  # a JWS or JWE, in whatever serialisation
    valid: bool


def vectors() -> list[Vector]:
    return [
        vector_of(file, group, test)
        for file in FILES
        for group in groups_of(VECTORS / f"json_web_{file}_test.json")
        for test in group["tests"]
    ]


def groups_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        json.loads(path.read_text())["testGroups"] if path.exists() else []
    )
    return found


def vector_of(file: str, group: dict[str, Any], test: dict[str, Any]) -> Vector:
    key = group.get("public") or group["private"]
    text = test["jws"] if "jws" in test else test["jwe"]
    return Vector(
        name=f"{file}-{test['tcId']}",
        keys=key.get("keys", [key]),
        text=text if isinstance(text, str) else json.dumps(text),
        valid=test["result"] == "valid",
    )


def algorithm_of(vector: Vector) -> str:
    header, _, _ = vector.text.partition(".")
    padded = header.replace("=", "") + "=" * (-len(header.replace("=", "")) % 4)
    return str(json.loads(urlsafe_b64decode(padded))["alg"])


def accepted(vector: Vector) -> bool:
    """Verify as the endpoints do: read both strictly, take the one key of that kid, verify."""
    try:
        jws = read_jws(vector.text, Header)
        keys = check_key_set({"keys": vector.keys})
    except (MalformedJws, InvalidKeySet):
        return False
    named = [each for each in keys if each.kid == jws.header.kid]
    return any(ForeignVerifier().verify(jws, jws.header.alg, each) for each in named)


ALL = vectors()


here = pytest.mark.skipif(not ALL, reason="no Wycheproof vectors where WYCHEPROOF says")


@here
@pytest.mark.parametrize("vector", ALL, ids=lambda each: each.name)
def test_it_is_accepted_if_it_is_valid_and_of_an_algorithm_that_we_take(vector: Vector) -> None:
    takes = vector.valid and algorithm_of(vector) in FOREIGN_ALGORITHMS
    assert accepted(vector) is takes


@here
def test_every_vector_is_there_and_every_refusal_of_a_valid_one_is_accounted_for() -> None:
    assert len(ALL) == TOTAL
    assert all(len(each.text) <= MAXIMUM_TOKEN for each in ALL)
    valid = Counter(algorithm_of(each) for each in ALL if each.valid)
    taken = {name: valid.pop(name) for name in FOREIGN_ALGORITHMS if name in valid}
    assert taken == {"ES256": 3, "PS256": 6, "RS256": 10}
    assert valid == {name: count for name, (count, _) in NOT_TAKEN.items()}
