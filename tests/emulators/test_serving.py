"""Notices come again at the provider's own intervals, until they are answered rightly or the provider has had enough."""

import time

import pytest

from tests.emulators.alipay import AlipayEmulator
from tests.emulators.serving import Emulator, Notice, Reply
from tests.emulators.wechat import WechatEmulator


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("emulator", "right", "wrong", "hours"),
    [
        (AlipayEmulator, (200, b"success"), [(200, b"success\n"), (200, b"SUCCESS"), (204, b"success"), (500, b"")], 24),
        (WechatEmulator, (204, b""), [(401, b""), (500, b""), (0, b"Timeout"), (302, b"")], 24),
    ],
)  # fmt: skip
def test_a_notice_is_repeated_until_it_is_answered_rightly(emulator, right, wrong, hours):
    clock, sent = Clock(), []
    provider = emulator(clock=clock, compress=60)
    for answers in ([*wrong, right], [wrong[0]]):
        notice = Notice("P1", "http://x/", lambda: ({}, b""), clock.now)
        provider.queue(notice)
        began = clock.now
        while not notice.done:
            answer = answers[min(notice.tries, len(answers) - 1)]
            assert provider.deliver(lambda *_, answer=answer: answer) == 1
            assert provider.deliver(lambda *_: right) == 0  # not before its time
            clock.now = max(clock.now, notice.due_at)
        sent.append((notice.tries, (clock.now - began) * 60 / 3600))

    assert sent[0][0] == len(wrong) + 1
    assert sent[1][0] == len(provider.SCHEDULE) + 1
    assert hours <= sent[1][1] <= hours + 2


def test_it_delivers_by_itself_over_http():
    class Shop(Emulator):
        def handle(self, request):
            return Reply(200, b"success")

    with Shop() as shop, AlipayEmulator() as alipay:
        alipay.queue(Notice("P1", f"{shop.url}/notify", lambda: ({}, b"a=1"), 0))
        alipay.deliver_forever(0.01)
        until = time.monotonic() + 60
        while not alipay.notices[0].done:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert shop.requests == ["POST /notify"]
