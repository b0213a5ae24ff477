"""A group of commands whose help is printed, and whose typos are caught, without importing a command."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from mlfp.errors import nearest


class LazyGroup(click.Group):
    """A click group that imports a command's module when the command is run.

    :param commands_by_name: command to (``"module:attribute"``, line for the group's help), in the order of the help.
    """

    def __init__(self, *args: Any, commands_by_name: Mapping[str, tuple[str, str]], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.commands_by_name = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the work and not of the alphabet."""
        return list(self.commands_by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.commands_by_name:
            return None
        module, _, attribute = self.commands_by_name[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was asked for.

        :raises click.UsageError: there is none; names the nearest.
        """
        name = args[0]
        if name not in self.commands_by_name and not name.startswith("-"):
            hints = nearest(name, self.commands_by_name) or [f"Commands: {', '.join(self.commands_by_name)}"]
            raise click.UsageError(f"no command {name!r}\n  {hints[0]}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.commands_by_name.items()])
