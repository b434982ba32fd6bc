"""Setting up how one of the staff signs in, by a link that is good once and for two days.

The link is used up by the transaction that keeps the passkey, or the password and the secret of the
codes; until then nothing is possible with it but this, and the pages may be left and come back to.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record_of_staff
from control_plane.audit.rules import Noted
from control_plane.passkeys.rules import PasskeyRefused
from control_plane.people.actions import LinkRefused
from control_plane.people.rules import check_password
from control_plane.second_factors.actions import Offer, SetUpRefused
from control_plane.second_factors.rules import CodeRefused, new_secret, step_of
from control_plane.sessions.actions import Begun, Visitor, digest_of
from control_plane.staff import repository
from control_plane.staff.actions import StaffProofs, begin_staff_session, staff_visiting
from control_plane.staff.repository import StaffRow
from shared.runtime.sealing import CannotOpen

_GONE = "this link is too old or was used already: ask for another"


class Enrolment(StaffProofs):
    """Setting up how somebody signs in, by the link that they were given."""

    async def whose(self, token: str, now: datetime) -> StaffRow:
        """Give whose link it is. Raises LinkRefused."""
        async with self._database.control() as connection:
            held = await repository.find_staff_link(connection, digest_of(token), now)
        if held is None:
            raise LinkRefused(_GONE)
        return held

    def offer(self, held: StaffRow) -> Offer:
        """Give a secret for the authenticator app, and the same sealed, for the form."""
        secret = new_secret()
        sealed = self._sealer.seal_totp(secret.encode(), held.id)
        return Offer(secret, urlsafe_b64encode(sealed).decode())

    def offered(self, sealed: str, held: StaffRow) -> Offer:
        """Give the offer again that a page brings back. Raises SetUpRefused."""
        try:
            secret = self._sealer.open_totp(urlsafe_b64decode(sealed), held.id)
        except (Base64Error, ValueError, CannotOpen):
            raise SetUpRefused("this was begun elsewhere: begin again") from None
        return Offer(secret.decode(), sealed)

    async def by_password(
        self, token: str, password: str, offer: Offer, code: str, visitor: Visitor, now: datetime
    ) -> Begun:
        """Keep a password with the secret, once a code proves that the app has it, and sign in.

        Raises LinkRefused, WeakPassword or CodeRefused, which do not use the link up.
        """
        held = await self.whose(token, now)
        check_password(password, held.email)
        step = step_of(offer.secret, code, now)
        if step is None:
            raise CodeRefused
        password_hash = await self._passwords.digest(password)
        async with self._database.control() as connection:
            await self._spend(connection, token, now)
            await repository.change_staff(
                connection,
                held.id,
                password_hash=password_hash,
                totp_sealed=urlsafe_b64decode(offer.sealed),
                totp_last_step=step,
            )
            return await self._enrolled(connection, held, visitor, now, "password and code")

    async def passkey_options(self, token: str, session: str, now: datetime) -> str:
        """Give what `navigator.credentials.create` is asked, as JSON. Raises LinkRefused."""
        held = await self.whose(token, now)
        return self._ceremony.registration_options(held.id, held.email, (), session, now)

    async def by_passkey(
        self, token: str, session: str, sent: str, visitor: Visitor, now: datetime
    ) -> Begun:
        """Keep a passkey, and sign in. Raises LinkRefused or PasskeyRefused."""
        held = await self.whose(token, now)
        new = self._ceremony.registered(held.id, session, sent, "Passkey", now)
        async with self._database.control() as connection:
            await self._spend(connection, token, now)
            if not await repository.add_staff_passkey(connection, new):
                raise PasskeyRefused
            return await self._enrolled(connection, held, visitor, now, "passkey")

    async def _spend(self, connection: AsyncConnection, token: str, now: datetime) -> None:
        if await repository.spend_staff_link(connection, digest_of(token), now) is None:
            raise LinkRefused(_GONE)

    async def _enrolled(
        self,
        connection: AsyncConnection,
        held: StaffRow,
        visitor: Visitor,
        now: datetime,
        proof: str,
    ) -> Begun:
        noted = Noted("staff.enrol", f"staff {held.email}", after={"proof": proof})
        await record_of_staff(connection, staff_visiting(held, visitor), noted)
        return await begin_staff_session(
            connection, self._sessions, held, visitor, now, proof=proof
        )
