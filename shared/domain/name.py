"""The name of a thing, for people: tenants, APIs and clients have one."""

MAXIMUM_NAME = 100
NAME_RULE = f"a name is 1 to {MAXIMUM_NAME} printable characters on one line"


def is_name(text: str) -> bool:
    return bool(text.strip()) and len(text) <= MAXIMUM_NAME and text.isprintable()
