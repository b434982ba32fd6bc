"""Amounts as people write them. Pure."""


def dollars(cents: int) -> str:
    """Write US cents: $29, $1,234.50, -$5."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}${whole:,}" + (f".{rest:02}" if rest else "")
