"""`expand[]`: objects in the place of their ids, and lists that are told only when asked for."""

from tests.stripe_double.customers import with_lists
from tests.stripe_double.store import Store, listed, shown
from tests.stripe_double.wire import JSON, StripeRefusal

_ASKED_FOR = {"price": {"tiers"}, "checkout.session": {"line_items"}}
_ASKED_FOR |= {"customer": {"tax_ids", "subscriptions"}}


def expand(store: Store, thing: JSON | str, path: str) -> None:
    """Put in place what the path names. errors: StripeRefusal where nothing can be there"""
    name, _, rest = path.partition(".")
    if isinstance(thing, dict):
        _fill(store, thing, name)
    if not isinstance(thing, dict) or name not in thing:
        raise StripeRefusal(
            f"This property cannot be expanded ({name}).", code="property_not_expandable"
        )
    value = thing[name]
    if isinstance(value, str) and value in store.objects:
        value = thing[name] = shown(store.objects[value])
    for each in value if isinstance(value, list) else [value]:
        if rest and each is not None:
            expand(store, each, rest)


def _fill(store: Store, thing: JSON, name: str) -> None:
    kind = thing.get("object", "")
    held = store.objects.get(thing.get("id", ""))
    if held is None or name not in _ASKED_FOR.get(kind, ()):
        return
    match kind:
        case "price":
            thing["tiers"] = held["_tiers"] or None
        case "checkout.session":
            thing["line_items"] = listed([shown(each) for each in held["_lines"]])
        case "customer":
            thing[name] = with_lists(store, held, {name})[name]
        case _:
            pass
