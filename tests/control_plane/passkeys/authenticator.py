"""An authenticator in software: what a phone does when it makes or uses a passkey."""

import json
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import cbor2
import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.control_plane.people.browsing import ORIGIN, Browser

_USER, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


class Authenticator(msgspec.Struct, kw_only=True):
    credential_id: bytes = msgspec.field(default_factory=lambda: secrets.token_bytes(16))
    key: Any = msgspec.field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0
    verifies: bool = True
    host: str = "console.example"
    origin: str = ORIGIN

    def create(self, options: dict[str, Any]) -> str:
        """Answer `navigator.credentials.create`."""
        numbers = self.key.public_key().public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (numbers.x, numbers.y))
        public_key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        length = len(self.credential_id).to_bytes(2, "big")
        attested = bytes(16) + length + self.credential_id + public_key
        whole = {"fmt": "none", "attStmt": {}, "authData": self._about(_ATTESTED) + attested}
        said = self._said("webauthn.create", options)
        return self._credential(
            clientDataJSON=said, attestationObject=cbor2.dumps(whole), transports=["internal"]
        )

    def get(self, options: dict[str, Any]) -> str:
        """Answer `navigator.credentials.get`."""
        self.count += 1
        about, said = self._about(0), self._said("webauthn.get", options)
        signature = self.key.sign(about + sha256(said).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            clientDataJSON=said, authenticatorData=about, signature=signature, userHandle=b"p"
        )

    def _about(self, flags: int) -> bytes:
        flags |= _USER | (_VERIFIED if self.verifies else 0)
        digest = sha256(self.host.encode()).digest()
        return digest + bytes([flags]) + self.count.to_bytes(4, "big")

    def _said(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        ).encode()

    def _credential(self, **response: Any) -> str:
        named = _in_text(self.credential_id)
        return json.dumps(
            {
                "id": named,
                "rawId": named,
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": {},
                "response": {
                    name: _in_text(each) if isinstance(each, bytes) else each
                    for name, each in response.items()
                },
            }
        )


async def register(browser: Browser, device: Authenticator, name: str = "Phone") -> httpx.Response:
    """Add the device to who is signed in."""
    await browser.see("/you/passkeys")
    options = (await browser.get("/you/passkeys/options")).json()
    return await browser.fill("/you/passkeys", credential=device.create(options), name=name)


def _in_text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
