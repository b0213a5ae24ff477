"""The command line: one file a command, each parsing, calling :mod:`mlfp.api`, and printing.

Importing this imports click and nothing heavier, for ``mlfp --help`` must answer at once.
"""

from mlfp.cli.app import main

__all__ = ["main"]
