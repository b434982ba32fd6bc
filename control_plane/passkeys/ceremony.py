"""The ceremonies of WebAuthn: what a browser is asked, and what its answer proves.

Where passkeys and those who have them are kept, the caller knows.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from control_plane.passkeys.repository import PasskeyRow
from control_plane.passkeys.rules import PasskeyRefused, Purpose, challenge, made_at, name_of

_NONCE = 16
# what a browser's text may raise on its way through the library
_MALFORMED = (WebAuthnException, ValueError, TypeError, LookupError)


class Ceremony:
    def __init__(self, key: bytes, origin: str) -> None:
        """`key` makes the challenges; `origin` is the app's own, whose pages ask."""
        self._key = key
        self._origin = origin
        self._host = urlsplit(origin).hostname or ""

    def registration_options(
        self, owner_id: str, email: str, held: Sequence[PasskeyRow], session: str, now: datetime
    ) -> str:
        """Give what `navigator.credentials.create` is asked, as JSON."""
        return options_to_json(
            generate_registration_options(
                rp_id=self._host,
                rp_name="auth-service",
                user_id=owner_id.encode(),
                user_name=email,
                challenge=self._challenge(Purpose.REGISTER, session, now),
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.REQUIRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=_described(held),
            )
        )

    def sign_in_options(self, session: str, now: datetime) -> str:
        """Give what `navigator.credentials.get` is asked; it names nobody."""
        return options_to_json(
            generate_authentication_options(
                rp_id=self._host,
                challenge=self._challenge(Purpose.SIGN_IN, session, now),
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def step_up_options(self, held: Sequence[PasskeyRow], session: str, now: datetime) -> str:
        """Give what `navigator.credentials.get` is asked, for one of these."""
        return options_to_json(
            generate_authentication_options(
                rp_id=self._host,
                challenge=self._challenge(Purpose.STEP_UP, session, now),
                allow_credentials=_described(held),
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def registered(
        self, owner_id: str, session: str, sent: str, name: str, now: datetime
    ) -> PasskeyRow:
        """Give the passkey that was made, to be kept. Raises PasskeyRefused."""
        asked, _ = self.challenge_in(Purpose.REGISTER, session, sent, now)
        try:
            verified = verify_registration_response(
                credential=sent,
                expected_challenge=asked,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _MALFORMED:
            raise PasskeyRefused from None
        return PasskeyRow(
            credential_id=verified.credential_id,
            person_id=owner_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=name_of(name),
            created_at=now,
            used_at=None,
        )

    def challenge_in(
        self, purpose: Purpose, session: str, sent: str, now: datetime
    ) -> tuple[bytes, datetime]:
        """Find the challenge that was answered, check that it is one of ours, and tell when it was
        made. Raises PasskeyRefused.
        """
        try:
            said = base64url_to_bytes(_parsed(sent)["response"]["clientDataJSON"])
            asked = parse_client_data_json(said).challenge
        except _MALFORMED:
            raise PasskeyRefused from None
        return asked, made_at(self._key, purpose, session, asked, now)

    def verified_count(self, held: PasskeyRow, sent: str, asked: bytes) -> int:
        """Give how often the passkey says it was used, once it has proved itself.

        Raises PasskeyRefused.
        """
        try:
            verified = verify_authentication_response(
                credential=sent,
                expected_challenge=asked,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=held.public_key,
                credential_current_sign_count=held.sign_count,
                require_user_verification=True,
            )
        except _MALFORMED:
            raise PasskeyRefused from None
        return verified.new_sign_count

    def _challenge(self, purpose: Purpose, session: str, now: datetime) -> bytes:
        return challenge(self._key, purpose, session, secrets.token_bytes(_NONCE), now)


def credential_id_in(sent: str) -> bytes:
    """Say which passkey an answer claims to be. Raises PasskeyRefused."""
    try:
        return base64url_to_bytes(_parsed(sent)["id"])
    except _MALFORMED:
        raise PasskeyRefused from None


def _described(held: Sequence[PasskeyRow]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=each.credential_id) for each in held]


def _parsed(sent: str) -> Any:
    return json.loads(sent)
