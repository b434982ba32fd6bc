"""Whether an account has a payment to mend, as the frame of each page says it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.billing import repository
from control_plane.billing.rules import current
from control_plane.billing.seen import Status
from control_plane.http.signed_in import Owed

_UNPAID = {Status.PAST_DUE, Status.UNPAID}


async def owed_by(connection: AsyncConnection, account_id: str, now: datetime) -> Owed | None:
    held = current(await repository.subscriptions_of(connection, account_id))
    if held is None or held.status not in _UNPAID:
        return None
    invoices = await repository.invoices_of(connection, account_id)
    until = held.grace_until
    return Owed(
        grace_until=until if until and now < until else None,
        next_try_at=next((each.next_attempt_at for each in invoices if each.is_open), None),
    )
