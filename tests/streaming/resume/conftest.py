"""A hub as the tests in here make it: in one place, for whoever changes how."""

from tests.streaming.hub.conftest import make_hub

__all__ = ["make_hub"]
