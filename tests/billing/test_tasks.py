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
