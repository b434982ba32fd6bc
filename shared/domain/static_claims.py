"""STUB"""

from typing import Any

import msgspec


def check_static_claims(contents: dict[str, Any]) -> bytes:
    """STUB"""
    return msgspec.json.encode(contents)
