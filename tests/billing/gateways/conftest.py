"""Whoever asks for a provider's emulator asks a server: such tests are no quick ones."""

import pytest

SERVERS = {"alipay", "wechat", "account"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())) and "gateways" in item.path.parts:
            item.add_marker(pytest.mark.whole)
