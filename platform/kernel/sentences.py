"""A sentence that was written for logs, found again by its template, so that it can be said in another language."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_PLACE = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with places for values: `It answers %(status)s to the connection.`"""

    text: str
    _shape: re.Pattern[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        parts = _PLACE.split(self.text)  # text, name, text, name, ... text
        shape = "".join(f"(?P<{part}>.*?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        object.__setattr__(self, "_shape", re.compile(shape, re.DOTALL))

    def values(self, sentence: str) -> dict[str, str] | None:
        """Return what stands in the places, or None where the sentence is another one."""
        found = self._shape.fullmatch(sentence)
        return found.groupdict() if found else None


def known(templates: Iterable[Template], sentence: str) -> tuple[str, dict[str, str]] | None:
    """Return the template's text of a sentence and its values; None of one that no template has."""
    for template in templates:
        if (values := template.values(sentence)) is not None:
            return template.text, values
    return None
