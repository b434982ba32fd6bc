"""What all commands share: their options, how they print, and how a refusal ends them.

stdout is data, stderr is messages. With --json stdout is one JSON document and nothing else.
"""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from control_plane.cli.settings import DEFAULT_DATA_DIR
from shared.domain.refused import Refused


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """How this run of a command reads and prints."""

    json: bool
    asks: bool  # a person is there to answer
    data_dir: Path

    def show(self, contents: object, text: str, next_step: str = "") -> None:
        """Print the result: as JSON, or as text with the command that comes next."""
        if self.json:
            click.echo(msgspec.json.encode(contents))
        else:
            click.echo(text)
            self.say(f"\nNext: {next_step}" if next_step else "")

    def say(self, message: str) -> None:
        if message:
            click.echo(message, err=True)

    def confirm(self, name: str, what_happens: str) -> None:
        """Have the person type the name, or end the command."""
        if not self.asks:
            raise click.UsageError(f"{what_happens} Add --yes to do it without a prompt.")
        typed = click.prompt(f"{what_happens} Type {name!r} to go on", err=True)
        if typed != name:
            raise click.ClickException("That is not the name; nothing was done.")


def command(group: click.Group, name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make the function a command of the group; its first argument is the Terminal."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(*, as_json: bool, no_input: bool, data_dir: Path, **options: Any) -> None:
            asks = not no_input and sys.stdin.isatty()
            try:
                function(Terminal(json=as_json, asks=asks, data_dir=data_dir), **options)
            except Refused as refusal:
                raise click.ClickException(str(refusal)) from refusal

        for option in _SHARED_OPTIONS:
            run = option(run)
        return group.command(name)(run)

    return decorate


_SHARED_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    click.option("--no-input", is_flag=True, help="Never ask."),
    click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_DATA_DIR,
        envvar="AUTH_SERVICE_DATA_DIR",
        show_default=True,
        help="Where `auth-service dev` keeps its files.",
    ),
)
