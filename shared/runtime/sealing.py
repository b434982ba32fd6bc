"""Secrets at rest that we must read again: AES-256-GCM under the master key, bound to their place.

Sealed is  version (1 byte) | id of the master key (8) | nonce (12) | ciphertext and tag.
The associated data is tenant and kid of a private key, the person of a TOTP secret, or the request
of an answer that holds one: a row that is moved to another place, or renamed, does not open.
Nonces are random: one master key may seal 2**32 keys (NIST SP 800-38D section 8.3).
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.domain.ids import Kid, TenantId
from shared.domain.refused import Refused
from shared.runtime.config import Key

_VERSION = b"\x01"
_KEY_ID_END = 9
_NONCE_END = 21


class CannotOpen(Refused):
    """No master key at hand opens this, or it was sealed for another place."""


class Sealer:
    """Seals under the first master key; opens under any."""

    def __init__(self, master_keys: tuple[Key, ...]) -> None:
        self._writing = master_keys[0]
        self._ciphers = {key.key_id.encode(): AESGCM(key.octets) for key in master_keys}

    def seal(self, private_key: bytes, tenant: TenantId, kid: Kid) -> bytes:
        return self._seal(private_key, _of_key(tenant, kid))

    def open(self, sealed: bytes, tenant: TenantId, kid: Kid) -> bytes:
        return self._open(sealed, _of_key(tenant, kid), "signing key")

    def seal_totp(self, secret: bytes, person_id: str) -> bytes:
        return self._seal(secret, _of_totp(person_id))

    def open_totp(self, sealed: bytes, person_id: str) -> bytes:
        return self._open(sealed, _of_totp(person_id), "TOTP secret")

    def seal_answer(self, answer: bytes, request: str) -> bytes:
        return self._seal(answer, _of_answer(request))

    def open_answer(self, sealed: bytes, request: str) -> bytes:
        return self._open(sealed, _of_answer(request), "answer")

    def _seal(self, octets: bytes, place: bytes) -> bytes:
        key_id = self._writing.key_id.encode()
        nonce = os.urandom(_NONCE_END - _KEY_ID_END)
        sealed = self._ciphers[key_id].encrypt(nonce, octets, place)
        return _VERSION + key_id + nonce + sealed

    def is_newest(self, sealed: bytes) -> bool:
        """Tell whether it is sealed under the master key that seals now."""
        return sealed[1:_KEY_ID_END] == self._writing.key_id.encode()

    def _open(self, sealed: bytes, place: bytes, what: str) -> bytes:
        cipher = self._ciphers.get(sealed[1:_KEY_ID_END])
        if cipher is None or sealed[:1] != _VERSION or len(sealed) <= _NONCE_END:
            raise CannotOpen(f"the master key that sealed this {what} is not in MASTER_KEY")
        nonce = sealed[_KEY_ID_END:_NONCE_END]
        try:
            return cipher.decrypt(nonce, sealed[_NONCE_END:], place)
        except InvalidTag:
            raise CannotOpen(f"this {what} was sealed for another place") from None


def _of_key(tenant: TenantId, kid: Kid) -> bytes:
    return f"signing_key|{tenant}|{kid}".encode()


def _of_totp(person_id: str) -> bytes:
    return f"totp|{person_id}".encode()


def _of_answer(request: str) -> bytes:
    return f"answer|{request}".encode()
