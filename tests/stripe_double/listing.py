"""Lists as Stripe gives them: filtered, the newest first, a page at a time."""

from fnmatch import fnmatchcase
from typing import NamedTuple

from tests.stripe_double.wire import JSON, StripeRefusal, missing

_MOST, _USUALLY = 100, 10
_COMPARED = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


class Listing(NamedTuple):
    found: list[JSON]  # all of them
    given: JSON  # limit, starting_after, ending_before, created

    def page(self, url: str) -> JSON:
        given = self.given
        limit = given.get("limit", _USUALLY)
        if not 1 <= limit <= _MOST:
            raise StripeRefusal(
                "Invalid limit: must be from 1 to 100",
                code="parameter_invalid_integer",
                param="limit",
            )
        found = [each for each in self.found if _in_time(each.get("created", 0), given)]
        names = [each.get("id") for each in found]
        before = False
        for cursor in ("starting_after", "ending_before"):
            name = given.get(cursor)
            if name is None:
                continue
            if name not in names:
                raise missing("object", name, cursor)
            at = names.index(name)
            before = cursor == "ending_before"
            found = found[:at] if before else found[at + 1 :]
        page = found[-limit:] if before else found[:limit]
        return {"object": "list", "data": page, "has_more": len(found) > limit, "url": url}


def _in_time(created: int, given: JSON) -> bool:
    wanted = given.get("created")
    if not isinstance(wanted, dict):
        return wanted is None or wanted == created
    return all(_COMPARED[name](created, bound) for name, bound in wanted.items())


def matches_customer(thing: JSON, given: JSON) -> bool:
    """Tell whether it is of the customer or the subscription, or has the e-mail, asked for."""
    if "email" in given and thing.get("email") != given["email"]:
        return False
    if "customer" in given and thing.get("customer") != given["customer"]:
        return False
    if "subscription" in given:
        parent = (thing.get("parent") or {}).get("subscription_details") or thing
        return bool(parent.get("subscription") == given["subscription"])
    return True


def matches_status(thing: JSON, given: JSON) -> bool:
    """Tell whether it is in the state asked for; canceled subscriptions want to be asked for."""
    if "active" in given and thing["active"] != given["active"]:
        return False
    if "ids" in given and thing["id"] not in given["ids"]:
        return False
    wanted = given.get("status")
    if thing["object"] == "subscription":
        ended = thing["ended_at"] is not None
        return (
            (wanted is None and not ended)
            or wanted in {"all", thing["status"]}
            or (wanted == "ended" and ended)
        )
    return wanted is None or thing["status"] == wanted


def matches_lookup_key(price: JSON, given: JSON) -> bool:
    if "lookup_keys" in given and price["lookup_key"] not in given["lookup_keys"]:
        return False
    if "product" in given and price["product"] != given["product"]:
        return False
    return "type" not in given or bool(price["type"] == given["type"])


def matches_event(event: JSON, given: JSON, undelivered: set[str]) -> bool:
    wanted = given.get("types") or ([given["type"]] if "type" in given else ["*"])
    if not any(fnmatchcase(event["type"], each) for each in wanted):
        return False
    delivered = event["id"] not in undelivered
    return bool(given.get("delivery_success", delivered) == delivered)
