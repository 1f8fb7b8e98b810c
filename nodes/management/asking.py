"""Whether the operator at the terminal agrees to what a command has shown."""

import sys

from django.core.management.base import CommandError


def agreed(source: str) -> bool:
    """Ask whether to write what was shown.

    Args:
        source: where the command reads from; `-` is the terminal itself, which then cannot be asked.

    Raises:
        CommandError: there is nobody to ask; the text says what to do.
    """
    if source == "-" or not sys.stdin.isatty():
        raise CommandError(
            "Nothing was written: there is nobody to ask at a terminal. "
            "Look at the difference above and run this again with --yes."
        )
    return input("Write this? [y/N] ").strip().lower() in ("y", "yes")
