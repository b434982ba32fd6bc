"""How long a verified signature counts, and that it counts once."""

import msgspec
import pytest

from data_plane.protocol.errors import InvalidSignature
from data_plane.protocol.request_signature import RequestSignature, accept_once

_NOW = 1_700_000_000
_GOOD = RequestSignature(keyid="k", created=_NOW, nonce="n")


def changed(**changes: object) -> RequestSignature:
    return msgspec.structs.replace(_GOOD, **changes)


@pytest.mark.parametrize("created", [_NOW - 300, _NOW, _NOW + 10])
def test_a_fresh_signature_counts_and_its_nonce_is_kept_as_long_as_it_could_count(
    created: int,
) -> None:
    keyid, spent = accept_once(changed(created=created), now=_NOW)
    assert keyid == "k"
    assert spent.expires_at > created + 300


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(None, id="none"),
        pytest.param(changed(created=_NOW - 301), id="too-old"),
        pytest.param(changed(created=_NOW + 11), id="from-the-future"),
        pytest.param(changed(expires=_NOW), id="expired"),
        pytest.param(changed(nonce=None), id="no-nonce"),
        pytest.param(changed(nonce=""), id="nonce-empty"),
        pytest.param(changed(nonce="n" * 201), id="nonce-long"),
    ],
)
def test_every_other_is_refused_in_the_same_words(signature: RequestSignature | None) -> None:
    with pytest.raises(InvalidSignature, match="does not count here"):
        accept_once(signature, now=_NOW)


def test_a_nonce_is_its_keys_own() -> None:
    pairs = (("k", "n"), ("other", "n"), ("k", "other"))
    spent = [accept_once(changed(keyid=k, nonce=n), now=_NOW)[1] for k, n in pairs]
    assert len({each.digest for each in spent}) == len(pairs)
