"""The command that asks the management API for what a page does. Pure."""

from collections.abc import Mapping, Sequence
from shlex import quote as shell_quoted
from urllib.parse import quote, urlencode

import msgspec


def api_call(
    console_url: str,
    method: str,
    parts: Sequence[str],
    body: Mapping[str, object] | None = None,
    **query: str,
) -> str:
    """Give the curl. The token is a variable: what is copied is kept in histories."""
    path = "/".join(quote(part, safe="") for part in parts)
    url = f"{console_url}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
    words = f'curl -X {method} {shell_quoted(url)} -H "Authorization: Bearer $TOKEN"'
    if body is None:
        return words
    sent = shell_quoted(msgspec.json.encode(body, order="deterministic").decode())
    return f"{words} -H 'Content-Type: application/json' -d {sent}"
