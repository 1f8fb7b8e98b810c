"""The sandbox's notice comes again until the shop takes it, as a real gateway's does."""

import httpx
import pytest
from celery.exceptions import Retry

from billing import tasks
from billing.models import Purchase
from kernel.clock import utc_now
from tests.factories import NOW, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def shop_answers(monkeypatch):
    """What posting a notice gets: set `.status`, or `.error`; `.posted` is what came."""

    class Answers:
        status, error, posted = 200, None, []

    def post(url, *, content, headers, **_):
        Answers.posted.append((url, content, headers))
        if Answers.error:
            raise Answers.error
        return httpx.Response(Answers.status)

    Answers.posted = []
    monkeypatch.setattr(tasks.httpx, "post", post)
    return Answers


def test_a_notice_that_is_taken_is_posted_once(shop_answers, settings):
    settings.SANDBOX_KEY = "key"

    assert tasks.post_sandbox_notify(message={"n": 1}, from_tomorrow=True) == 200

    [(url, content, headers)] = shop_answers.posted
    assert url == f"{settings.PANEL_URL}/payments/sandbox/notify"
    assert (content, set(headers) >= {"Sandbox-Timestamp", "Sandbox-Signature"}) == (b'{"n": 1}', True)


@pytest.mark.parametrize(("status", "again"), [(500, True), (503, True), (400, False), (409, False)])
def test_it_is_posted_again_where_the_shop_could_not_take_it_and_not_where_it_would_not(shop_answers, status, again):
    shop_answers.status = status

    if again:
        with pytest.raises(Retry):
            tasks.post_sandbox_notify.apply(kwargs={"message": {}}, throw=True).get()
    else:
        assert tasks.post_sandbox_notify(message={}) == status


def test_a_shop_that_is_away_is_tried_again(shop_answers):
    shop_answers.error = httpx.ConnectError("nobody there")

    with pytest.raises(Retry):
        tasks.post_sandbox_notify.apply(kwargs={"message": {}}, throw=True).get()


def test_beats_tasks_do_what_the_services_do_and_tolerate_arguments_of_another_version(alice, node):
    a_purchase(alice, node, at=NOW)
    assert utc_now() > NOW

    assert tasks.expire_purchases(from_tomorrow=True) == 1
    assert Purchase.objects.filter(state="expired").count() == 1


def test_platform_certificates_are_fetched_by_a_worker_and_their_failure_is_a_line_in_the_log(
    settings, tmp_path, caplog
):
    from django.core.cache import cache

    from billing.gateways.wechat import create
    from tests.billing.gateways.shops import set_up
    from tests.emulators.serving import Fault
    from tests.emulators.wechat import WechatEmulator

    with WechatEmulator() as wechat:
        wechat.mch_id = "1900000777"
        cache.delete(f"wechat-certificates:{wechat.mch_id}")
        set_up(settings, wechat, tmp_path)
        serial, _ = wechat.add_certificate()
        wechat.faults = [Fault("certificates", "502")]

        assert tasks.refresh_certificates() == 0
        assert "were not fetched" in caplog.text
        assert tasks.refresh_certificates(from_tomorrow=True) == 1  # the next minute, since there are none
        assert serial in create().client.known_keys(utc_now())  # over the shared store
        assert tasks.refresh_certificates() == 0


def test_gateways_are_asked_by_one_thread_of_a_worker(monkeypatch, alice, node):
    rounds = []
    monkeypatch.setattr(tasks.asking, "ask_attempts", lambda now: rounds.append(now) or tasks.ask_gateways())
    monkeypatch.setattr(tasks.asking, "send_refunds", lambda now: 7)

    assert tasks.ask_gateways() == 7  # the one inside found the other at work
    assert tasks.ask_gateways() == 7
    assert len(rounds) == 2
