"""Requests held against the TypedDicts that the SDK generates from Stripe's own specification.

Forms carry texts alone: what fits is given back as the types say. Since the SDK's enumerations are
open (`Literal[...] | str`) and Stripe's are not, the open half is not taken.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from types import UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin

from stripe._request_options import RequestOptions
from typing_extensions import get_type_hints, is_typeddict

from tests.stripe_double.wire import JSON, StripeRefusal

_OPTIONS = frozenset(RequestOptions.__annotations__)  # of the SDK's client, never sent
_PLAIN: Mapping[Any, Callable[[str], Any]] = {
    bool: {"true": True, "false": False}.__getitem__,
    int: int,
    Decimal: Decimal,
    float: float,
}
_NAMES = {bool: "boolean", int: "integer", Decimal: "decimal", float: "decimal"}


def read_shape(shape: Any, given: JSON) -> JSON:
    """errors: StripeRefusal, which names the first field that does not fit"""
    return _read_fields(shape, given, "")


def _read_fields(shape: Any, given: JSON, place: str) -> JSON:
    fields = _fields(shape)
    for name in given:
        if name not in fields:
            param = _below(place, name)
            raise StripeRefusal(
                f"Received unknown parameter: {param}", code="parameter_unknown", param=param
            )
    for name, (_, required) in fields.items():
        if required and name not in given:
            param = _below(place, name)
            raise StripeRefusal(
                f"Missing required param: {param}.", code="parameter_missing", param=param
            )
    return {
        name: _read(fields[name][0], value, _below(place, name)) for name, value in given.items()
    }


def _below(place: str, name: str) -> str:
    return f"{place}[{name}]" if place else name


def _is_optional(annotation: Any) -> bool:
    origin: Any = get_origin(annotation)
    return origin is NotRequired


@cache
def _fields(shape: Any) -> Mapping[str, tuple[Any, bool]]:
    """Give each field's type, and whether it must be there."""
    written = shape.__annotations__
    if written.keys() >= _OPTIONS:  # mixed in; a TypedDict keeps no other trace of it
        written = {name: each for name, each in written.items() if name not in _OPTIONS}
    plain = type(shape.__name__, (), {"__annotations__": written, "__module__": shape.__module__})
    hints = get_type_hints(plain, include_extras=True)
    return {
        name: (get_args(each)[0], False) if _is_optional(each) else (each, True)
        for name, each in hints.items()
    }


def _read(wanted: Any, value: Any, place: str) -> Any:
    """errors: StripeRefusal"""
    refused: StripeRefusal | None = None
    for each in _choices(wanted):
        try:
            return _read_as(each, value, place)
        except StripeRefusal as error:
            refused = refused or error
    raise refused or StripeRefusal(f"Invalid {place}", param=place)


def _choices(wanted: Any) -> Iterator[Any]:
    """Give what a union allows; numbers before texts, and no text where there are names."""
    if get_origin(wanted) not in {Union, UnionType}:
        yield wanted
        return
    choices = get_args(wanted)
    named = any(get_origin(each) is Literal and get_args(each) != ("",) for each in choices)
    yield from (each for each in choices if not (each is str and named))


def _read_as(wanted: Any, value: Any, place: str) -> Any:
    origin = get_origin(wanted)
    if is_typeddict(wanted):
        return _read_fields(wanted, _object(value, place), place)
    if origin is list:
        return _read_list(get_args(wanted)[0], value, place)
    if origin is dict:
        of = get_args(wanted)[1]
        return {
            key: _read(of, each, f"{place}[{key}]") for key, each in _object(value, place).items()
        }
    if not isinstance(value, str):
        raise StripeRefusal(
            f"Invalid string: {place}", code="parameter_invalid_string", param=place
        )
    if origin is Literal:
        return _read_name(get_args(wanted), value, place)
    return _read_plain(wanted, value, place)


def _object(value: Any, place: str) -> JSON:
    if not isinstance(value, dict):
        raise StripeRefusal(f"Invalid object: {place}", param=place)
    return value


def _read_list(of: Any, value: Any, place: str) -> list[Any]:
    items = _object(value, place)
    if not all(each.isdecimal() for each in items):
        raise StripeRefusal(f"Invalid array: {place}", param=place)
    in_order = sorted(items.items(), key=lambda item: int(item[0]))
    return [_read(of, each, f"{place}[{key}]") for key, each in in_order]


def _read_name(names: tuple[Any, ...], value: str, place: str) -> str:
    if value not in names:
        known = ", ".join(each for each in names if each)
        raise StripeRefusal(f"Invalid {place}: must be one of {known}", param=place)
    return value


def _read_plain(wanted: Any, value: str, place: str) -> Any:
    if wanted is str:
        return value
    try:
        return _PLAIN[wanted](value)
    except (KeyError, ValueError, InvalidOperation):
        name = _NAMES[wanted]
        raise StripeRefusal(
            f"Invalid {name}: {value}", code=f"parameter_invalid_{name}", param=place
        ) from None
