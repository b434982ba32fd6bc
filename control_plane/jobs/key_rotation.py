"""Rotating signing keys: a look a minute at the tenants whose keys are due."""

import asyncio
import logging

from control_plane.keys.actions import KeyKeeper
from shared.runtime.database import DATABASE_TROUBLE
from shared.runtime.logs import fields

_log = logging.getLogger("control_plane")

_EVERY = 60.0  # seconds
_RETRY = 5.0  # seconds


async def rotate_keys(keeper: KeyKeeper) -> None:
    """Run until cancelled. Steps that were missed while nobody ran are taken late, in order."""
    while True:
        try:
            done = await keeper.advance_due()
            if done:
                _log.info("signing keys changed", extra=fields(tenants=done))
            else:
                await asyncio.sleep(_EVERY)
        except DATABASE_TROUBLE as error:
            _log.warning("signing keys could not be looked after", extra=fields(cause=str(error)))
            await asyncio.sleep(_RETRY)
