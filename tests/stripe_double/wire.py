"""What goes over the wire: Stripe's bracket notation in, Stripe's errors out."""

import re
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

JSON: TypeAlias = dict[str, Any]

_KEYS = re.compile(r"\[([^\]]*)\]")


class StripeRefusal(Exception):
    """An answer that is an error, with Stripe's own words for `type` and `code`."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: JSON = {"error": {"type": kind, "message": message, **more}}
        if code is not None:
            self.body["error"]["code"] = code
        if param is not None:
            self.body["error"]["param"] = param


def missing(kind: str, identifier: str, param: str = "id") -> StripeRefusal:
    return StripeRefusal(
        f"No such {kind}: '{identifier}'",
        status=404 if param == "id" else 400,
        code="resource_missing",
        param=param,
    )


def declined(code: str = "card_declined", decline: str | None = "generic_decline") -> StripeRefusal:
    more = {} if decline is None else {"decline_code": decline}
    return StripeRefusal(
        "Your card was declined."
        if code == "card_declined"
        else "This payment requires additional user action before it can be completed.",
        status=402,
        kind="card_error",
        code=code,
        **more,
    )


def decode(text: str) -> JSON:
    """Give `a[b][0][c]=x` and `a[]=x` as dicts within dicts; positions stay keys until typed."""
    found: JSON = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        root = name.partition("[")[0]
        path = [root, *_KEYS.findall(name[len(root) :])]
        place = found
        for key in path[:-1]:
            below = place.setdefault(key or str(len(place)), {})
            if not isinstance(below, dict):
                raise StripeRefusal(f"Invalid object: {name}", param=root)
            place = below
        place[path[-1] or str(len(place))] = value
    return found
