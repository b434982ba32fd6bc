"""Reading the claims of somebody else's JWT for a dry run. Nothing is verified or printed."""

import json
from base64 import urlsafe_b64decode
from typing import Any, TextIO

import click

_MAXIMUM_LENGTH = 100_000  # characters


def read_claims(file: TextIO) -> dict[str, Any]:
    """Read a JWT, or a JSON object that stands for its claims."""
    try:
        text = file.read(_MAXIMUM_LENGTH + 1).strip()
        claims = json.loads(text if text.startswith("{") else _claims_part(text))
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict) or len(text) > _MAXIMUM_LENGTH:
        raise click.ClickException("This is neither a JWT nor a JSON object of claims.")
    return claims


def _claims_part(jwt: str) -> bytes:
    _, claims, _ = jwt.split(".")
    return urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
