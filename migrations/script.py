"""Running several statements at once inside a migration."""

from typing import Any

from sqlalchemy import Connection


def run_statements(bind: Connection, statements: str) -> None:
    """Send them in one simple query: asyncpg prepares one statement at a time otherwise."""
    driver: Any = bind.connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(statements))
