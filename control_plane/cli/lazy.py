"""A group whose commands are imported when they are called.

Help and completion stay fast, and the data plane's processes carry none of the control plane.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    def __init__(
        self, *arguments: Any, modules: Mapping[str, tuple[str, str, str]], **options: Any
    ) -> None:
        """`modules`: command -> module of control_plane.cli, name in it, one line of help."""
        super().__init__(*arguments, **options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._modules, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return super().get_command(ctx, cmd_name)
        module, name, _ = self._modules[cmd_name]
        found: click.Command = getattr(import_module(f"control_plane.cli.{module}"), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        lines = [(name, line) for name, (_, _, line) in self._modules.items()]
        own = [(name, each.get_short_help_str()) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl([*lines, *own])
