"""D1 to D13: forged, broken and oversized tokens, at introspection and revocation."""

import asyncio
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control_plane.keys.repository import sealed_keys
from shared.domain.jwk import private_key_from_der
from shared.runtime.config import read_config
from shared.runtime.sealing import Sealer
from tests.hostile.cases import CANARY, WAYS, ask
from tests.hostile.conftest import Place, Sender
from tests.support import opened

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
INACTIVE = b'{"active":false}'


class Real(msgspec.Struct, frozen=True, kw_only=True):
    """A token that is live, and the keys of its tenant."""

    token: str
    header: dict[str, Any]
    claims: dict[str, Any]
    ec_key: Any
    rsa_key: Any
    rsa_kid: str

    def signed(self, header: bytes | None = None, claims: bytes | None = None) -> str:
        """Sign with the tenant's own key, whatever the header says."""
        header = json.dumps(self.header).encode() if header is None else header
        claims = json.dumps(self.claims).encode() if claims is None else claims
        signing_input = f"{encode(header)}.{encode(claims)}"
        made = self.ec_key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(made)
        return f"{signing_input}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def with_header(self, **members: Any) -> str:
        return self.signed(header=json.dumps(self.header | members).encode())

    def with_claims(self, **members: Any) -> str:
        return self.signed(claims=json.dumps(self.claims | members).encode())

    def resigned(self, signature: bytes) -> str:
        return f"{self.token.rpartition('.')[0]}.{encode(signature)}"

    @property
    def signature(self) -> bytes:
        return decode(self.token.rpartition(".")[2])


def encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def real(place: Place, sender: Sender) -> Real:
    async def keys() -> list[Any]:
        config = read_config(place.server.installation.environment(place.server.url))
        sealer = Sealer(config.master_keys)
        async with (
            opened(place.server.installation.control_url) as database,
            database.tenant(place.tenant.tenant_id) as connection,
        ):
            return [
                (kid, private_key_from_der(sealer.open(sealed, place.tenant.tenant_id, kid)))
                for kid, sealed in await sealed_keys(connection)
            ]

    held = asyncio.run(keys())
    token = json.loads(sender(ask(place.tenant, "token")).body)["access_token"]
    header, claims, _ = token.split(".")
    rsa_kid, rsa_key = next(each for each in held if isinstance(each[1], rsa.RSAPrivateKey))
    return Real(
        token=token,
        header=json.loads(decode(header)),
        claims=json.loads(decode(claims)),
        ec_key=next(key for _, key in held if isinstance(key, ec.EllipticCurvePrivateKey)),
        rsa_key=rsa_key,
        rsa_kid=rsa_kid,
    )


Forge = Callable[[Real], str]


def unsigned(alg: Any) -> Forge:
    def forge(real: Real) -> str:
        header = {key: value for key, value in real.header.items() if key != "alg"}
        header |= {} if alg is ... else {"alg": alg}
        return f"{encode(json.dumps(header).encode())}.{real.token.split('.')[1]}."

    return forge


def with_public_key(encoding: Encoding) -> Forge:
    def forge(real: Real) -> str:
        secret = real.ec_key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        header = encode(json.dumps(real.header | {"alg": "HS256"}).encode())
        signing_input = f"{header}.{real.token.split('.')[1]}"
        return f"{signing_input}.{encode(hmac.digest(secret, signing_input.encode(), sha256))}"

    return forge


def rs256_under_the_ec_kid(real: Real) -> str:
    header = encode(json.dumps(real.header | {"alg": "RS256"}).encode())
    signing_input = f"{header}.{real.token.split('.')[1]}"
    made = real.rsa_key.sign(signing_input.encode(), PKCS1v15(), hashes.SHA256())
    return f"{signing_input}.{encode(made)}"


def der_signature(real: Real) -> str:
    signing_input = real.token.rpartition(".")[0]
    made = real.ec_key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    return f"{signing_input}.{encode(made)}"


def last_bits(real: Real) -> str:
    """Change the bits of the last character that no octet is made of."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return real.token[:-1] + alphabet[alphabet.index(real.token[-1]) ^ 1]


def header_of(**members: Any) -> Forge:
    return lambda real: real.with_header(**members)


def claims_of(**members: Any) -> Forge:
    return lambda real: real.with_claims(**members)


def claims_text(old: str, new: str) -> Forge:
    """Replace in the claims' text, and sign it validly."""

    def forge(real: Real) -> str:
        text = json.dumps(real.claims)
        changed = text.replace(old.format(**real.claims), new.format(**real.claims))
        assert changed != text
        return real.signed(claims=changed.encode())

    return forge


def raw_claims(octets: bytes) -> Forge:
    return lambda real: real.signed(claims=octets)


_NO_ALGORITHM: tuple[Any, ...] = ("none", "nOnE", "NONE", "", None, 0, [], "ES256")
FORGED: dict[str, Forge] = {
    **{f"D1-{alg}": unsigned(alg) for alg in _NO_ALGORITHM},
    "D1-absent": unsigned(...),
    "D2-pem": with_public_key(Encoding.PEM),
    "D2-der": with_public_key(Encoding.DER),
    "D3-rs256-under-the-ec-kid": rs256_under_the_ec_kid,
    "D3-ec-under-the-rsa-kid": lambda real: real.with_header(kid=real.rsa_kid),
    "D3-header-says-rs256": header_of(alg="RS256"),
    "D3-header-says-es384": header_of(alg="ES384"),
    "D4-crit-unknown": header_of(crit=["x"], x=1),
    "D4-crit-empty": header_of(crit=[]),
    "D4-crit-standard": header_of(crit=["alg"]),
    "D4-crit-absent-member": header_of(crit=["exp"]),
    "D4-b64": header_of(crit=["b64"], b64=False),
    **{
        f"D5-{name}": header_of(kid=kid)
        for name, kid in {
            "path": "../../../etc/passwd",
            "sql": "x' UNION SELECT 1--",
            "nul": "a\0b",
            "long": "k" * 4000,
            "list": ["x"],
            "number": 1,
            "null": None,
            "unknown": CANARY,
        }.items()
    },
    "D5-jku": header_of(jku="https://evil.example/jwks.json"),
    "D5-jwk": header_of(jwk={"kty": "oct", "k": "eA"}),
    "D5-x5u": header_of(x5u="https://evil.example/x"),
    **{
        f"D7-{name}": header_of(typ=typ)
        for name, typ in {
            "id-token": "id+jwt",
            "logout": "logout+jwt",
            "proof": "dpop+jwt",
            "assertion": "client-authentication+jwt",
            "null": None,
            "empty": "",
        }.items()
    },
    "D8-longer": lambda real: real.with_claims(iss=real.claims["iss"] + "2"),
    "D8-slash": lambda real: real.with_claims(iss=real.claims["iss"] + "/"),
    "D8-case": lambda real: real.with_claims(iss=real.claims["iss"].upper()),
    "D8-list": lambda real: real.with_claims(iss=[real.claims["iss"]]),
    "D8-null": claims_of(iss=None),
    "D10-zero": lambda real: real.resigned(bytes(64)),
    "D10-order": lambda real: real.resigned(ORDER.to_bytes(32, "big") * 2),
    "D10-der": der_signature,
    "D10-short": lambda real: real.resigned(real.signature[:-1]),
    "D10-long": lambda real: real.resigned(real.signature + b"\0"),
    "D10-empty": lambda real: real.resigned(b""),
    "D10-last-bits": last_bits,
    "D10-padding": lambda real: real.token + "==",
    "D10-space": lambda real: real.token + "+",
    "D10-line-end": lambda real: real.token + "%0A",
    "D10-fourth-part": lambda real: real.token + ".x",
    "D10-two-parts": lambda real: real.token.rpartition(".")[0],
    "D11-twice": claims_text('"exp":', '"exp": 1, "exp":'),
    "D11-exp-string": lambda real: real.with_claims(exp=str(real.claims["exp"])),
    "D11-exp-nan": claims_text('"exp": {exp}', '"exp": NaN'),
    "D11-exp-infinite": claims_text('"exp": {exp}', '"exp": 1e400'),
    "D11-exp-bool": claims_of(exp=True),
    "D11-exp-null": claims_of(exp=None),
    "D11-exp-past": claims_of(exp=1),
    "D11-exp-fraction": lambda real: real.with_claims(exp=real.claims["exp"] + 0.5),
    "D11-surrogate": claims_text('"azp": "', '"azp": "\\ud800'),
    "D11-not-utf-8": raw_claims(b'{"iss": "\xff"}'),
    "D11-array": raw_claims(b"[]"),
    "D11-string": raw_claims(b'"x"'),
    "D11-empty": raw_claims(b""),
    "D11-bom": lambda real: real.signed(claims=b"\xef\xbb\xbf" + json.dumps(real.claims).encode()),
    "D12-deep": raw_claims(b"[" * 3000 + b"]" * 3000),
    "D12-deep-member": claims_text('"azp":', '"x": ' + "[" * 2500 + "]" * 2500 + ', "azp":'),
    "D13-8-KiB": lambda real: real.token + "A" * 8192,
    "D13-jwe": lambda _: ".".join(
        [encode(b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}'), "", "x", "x", "x"]
    ),
    "D13-p2c": lambda _: encode(b'{"alg":"PBES2-HS256+A128KW","p2c":2147483648}') + ".x.x.x.x",
    "D13-zip": header_of(zip="DEF"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_token_that_is_not_ours_is_inactive_and_revokes_nothing(
    place: Place, send: Sender, real: Real, endpoint: str, way: str, forge: Forge
) -> None:
    answer = send(ask(place.tenant, endpoint, way, forge(real)))
    assert (answer.status, answer.body) == (200, INACTIVE if endpoint == "introspect" else b"")
    assert answer.header("cache-control") == "no-store"
    assert b'"active":true' in send(ask(place.tenant, "introspect", way, real.token)).body


def test_d10_the_forger_of_these_tests_makes_valid_tokens(
    place: Place, send: Sender, real: Real
) -> None:
    assert b'"active":true' in send(ask(place.tenant, "introspect", "basic", real.signed())).body
