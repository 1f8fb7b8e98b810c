"""What changed between two versions of a text, line by line."""

from difflib import SequenceMatcher

MOST_LINES = 200  # that are shown of one change


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    """Return ("-", a line that went) and ("+", a line that came), in their order; lines that stayed are left out."""
    old, new = before.splitlines(), after.splitlines()
    found: list[tuple[str, str]] = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            found += [("-", line) for line in old[old_from:old_to] if line.strip()]
            found += [("+", line) for line in new[new_from:new_to] if line.strip()]
    return found[:MOST_LINES]
