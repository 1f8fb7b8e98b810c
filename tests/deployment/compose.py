"""docker/compose.yaml as Docker reads it: what a service's process gets, with an operator's .env filled in."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = ("migrate", "web", "node", "ingest", "control", "beat")
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}|\$\$")


class Compose:
    """The file, read with an operator's values.

    Args:
        values: what stands in .env; what compose asks for and is not there is refused, as Docker does.
    """

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self.services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]

    def environment(self, service: str) -> dict[str, str]:
        return {name: self._filled_in(str(said)) for name, said in self.services[service]["environment"].items()}

    def command(self, service: str) -> list[str]:
        return [self._filled_in(str(word)) for word in self.services[service]["command"]]

    def _filled_in(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            if found[0] == "$$":
                return "$"
            if given := self._values.get(found[1]):
                return given
            assert found[2] == "-", f".env lacks {found[1]}: {found[3]}"
            return found[3]

        return _VARIABLE.sub(value, text)
