"""Finds every store method there is: what a twin under a second tenant must exist for."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

import control_plane
import data_plane.store

Name: TypeAlias = tuple[str, str]  # module, qualified name


def store_methods() -> list[Name]:
    return sorted({name for module in _modules() for name in methods_of(module)})


def methods_of(module: ModuleType) -> Iterator[Name]:
    """Name the module's public functions and methods that may reach the database.

    In the data plane's store that is each one; in the control plane each that takes a connection
    to it.
    """
    everything = module.__name__.startswith(data_plane.store.__name__)
    for name, function in _public_functions(module):
        if everything or _takes_connection(function):
            yield module.__name__, name


def _takes_connection(function: Callable[..., Any]) -> bool:
    parameter = inspect.signature(function).parameters.get("connection")
    return parameter is not None and parameter.annotation is AsyncConnection


def name_of(method: Callable[..., Any]) -> Name:
    written = inspect.unwrap(method)
    return written.__module__, written.__qualname__


def _modules() -> Iterator[ModuleType]:
    for package in (control_plane, data_plane.store):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.ispkg:
                yield importlib.import_module(found.name)


def _public_functions(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in _own(module, module):
        if inspect.isfunction(member):
            yield name, member
        elif inspect.isclass(member):
            for method_name, method in _own(member, module):
                if inspect.isfunction(method):
                    yield f"{name}.{method_name}", method


def _own(holder: object, module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Give what is written in this module, not what it imports; decorators are looked through."""
    for name, member in vars(holder).items():
        unwrapped = inspect.unwrap(member)
        if not name.startswith("_") and getattr(unwrapped, "__module__", "") == module.__name__:
            yield name, unwrapped
