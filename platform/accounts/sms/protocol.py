"""What every provider of messages does for the shop."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the provider has taken; `number` is its own, for asking it."""

    number: str


class Sms(Protocol):
    """A provider of messages to phones in mainland China."""

    @property
    def name(self) -> str: ...

    def send(self, number: str, template: str, params: Mapping[str, str]) -> Sent:
        """Have one message sent, and return once the provider has taken it.

        Args:
            number: +8613800138000.
            template: the provider's id of a reviewed text.
            params: what stands in the text, in its order.

        Raises:
            SmsRefused: it was not sent and costs nothing.
            SmsUnavailable: nobody knows whether it was sent.
        """
        ...
