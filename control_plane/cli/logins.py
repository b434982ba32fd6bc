"""Passwords for our database logins, where nobody else gives them: `dev` and the tests."""

import hmac
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg


async def let_in(owner_url: str, master_key: str) -> dict[str, str]:
    """Give our logins passwords derived from the master key; return their URLs."""
    urls = {}
    connection = await asyncpg.connect(owner_url)
    try:
        for purpose in ("control", "data", "support"):
            name = await connection.fetchval(
                "SELECT role_name FROM control.login_role WHERE purpose = $1", purpose
            )
            password = hmac.digest(master_key.encode(), name.encode(), "sha256").hex()
            await connection.execute(f"ALTER ROLE \"{name}\" PASSWORD '{password}'")
            urls[purpose] = _with_login(owner_url, name, password)
    finally:
        await connection.close()
    return urls


def _with_login(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(name)}:{password}@{place}"))
