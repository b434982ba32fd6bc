"""What balancers ask: does the process live, and does it reach its database?"""

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import text

from shared.runtime.database import DATABASE_TROUBLE, Database

_OUTSIDE = {"outside": True}


@get(["/livez", "/health"], opt=_OUTSIDE, sync_to_thread=False)
def livez() -> dict[str, str]:
    return {"status": "ok"}


@get(["/readyz", "/startupz"], opt=_OUTSIDE)
async def readyz(database: NamedDependency[Database]) -> Response[dict[str, str]]:
    """A new worker takes the old one's place once this is 200."""
    try:
        async with database.control() as connection:
            await connection.execute(text("SELECT 1"))
    except DATABASE_TROUBLE:
        return Response({"status": "database"}, status_code=503)
    return Response({"status": "ok"})


PROBES = [livez, readyz]
