"""A scan lets in who is known, asks a new person for an address, and gives nobody an account because of one."""

import re
from urllib.parse import urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core import mail
from django.test import Client

from accounts import outside
from accounts.models import Customer
from tests.emulators.serving import Fault
from tests.factories import PASSWORD, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LOGIN, CALLBACK, SIGNUP = "/accounts/weixin/login/", "/accounts/weixin/login/callback/", "/accounts/3rdparty/signup/"
CONNECTIONS = "/accounts/3rdparty/"


def scan(client, address=LOGIN, **more):
    """Go to WeChat by the link, let the emulator's person scan, and come back with what it says."""
    left = client.get(address)
    assert left.status_code == 302, left.status_code
    there = httpx.get(left.headers["location"].partition("#")[0], trust_env=False)
    assert there.status_code == 302, there.text
    back = urlsplit(there.headers["location"])
    assert (back.hostname, back.path) == ("testserver", CALLBACK)
    return client.get(f"{back.path}?{back.query}", **more)


def is_in(client):
    return client.get("/dashboard/").status_code == 200


def signed_up(client, email="alice@example.com"):
    assert scan(client).headers["location"] == SIGNUP
    return client.post(SIGNUP, {"email": email})


def test_a_new_person_is_asked_for_an_address_and_is_in(weixin, client):
    weixin.scans = weixin.person("José 张三")
    page = client.get("/accounts/login/").text
    assert f'href="{LOGIN}?process=login"' in page

    signed_up(client)

    assert is_in(client)
    person, account = Customer.objects.get(), SocialAccount.objects.get()
    assert (person.email, person.has_usable_password()) == ("alice@example.com", False)
    kept = {"openid": weixin.scans.open_id, "unionid": weixin.scans.union_id, "nickname": "José 张三"}
    assert (account.user, account.uid, account.extra_data) == (person, weixin.scans.open_id, kept)
    assert not SocialToken.objects.exists()
    assert not EmailAddress.objects.get().verified


def test_a_person_who_returns_is_let_in_at_once(weixin, client):
    signed_up(client)
    again = Client()

    answer = scan(again, f"{LOGIN}?process=login&next=/subscribe/")

    assert answer.headers["location"] == "/subscribe/"
    assert is_in(again)
    assert Customer.objects.count() == 1


def test_the_link_is_whole_and_leaves_by_get(weixin, client):
    location = client.get(LOGIN).headers["location"]

    assert location.startswith(
        f"{weixin.url}/connect/qrconnect?appid={weixin.app_id}&redirect_uri=http%3A%2F%2Ftestserver"
    )
    assert location.endswith("#wechat_redirect")
    assert "form-action 'self'" in client.get("/accounts/login/").headers["content-security-policy"]


def test_an_address_that_somebody_has_gives_nobody_their_account(weixin, settings):
    alice = a_customer("alice")
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    for verification in ("optional", "mandatory"):
        settings.ACCOUNT_EMAIL_VERIFICATION = verification
        mallory = Client()

        signed_up(mallory, "Alice@Example.com")

        assert not is_in(mallory), verification
        assert not SocialAccount.objects.exists()
        assert Customer.objects.count() == 1


def test_where_addresses_are_proved_first_a_new_person_waits_for_the_mail(weixin, client, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    signed_up(client)

    assert not is_in(client)
    assert [one.to for one in mail.outbox] == [["alice@example.com"]]


def test_somebody_connects_their_wechat_and_disconnects_it(weixin, client):
    alice = a_customer("alice")
    client.force_login(alice)
    assert f'href="{CONNECTIONS}"' in client.get("/account/").text
    assert f'href="{LOGIN}?process=connect"' in client.get(CONNECTIONS).text

    assert scan(client, f"{LOGIN}?process=connect").headers["location"] == CONNECTIONS
    page = client.get(CONNECTIONS).text
    again = Client()
    scan(again)
    assert "张三" in page
    assert again.get("/dashboard/").wsgi_request.user == alice

    client.post(CONNECTIONS, {"account": SocialAccount.objects.get().pk})
    assert not SocialAccount.objects.exists()
    assert scan(Client()).headers["location"] == SIGNUP


def test_a_wechat_that_another_account_has_is_not_taken_over(weixin, client):
    signed_up(Client(), "bob@example.com")
    client.force_login(a_customer("alice"))

    scan(client, f"{LOGIN}?process=connect")

    assert SocialAccount.objects.get().user.email == "bob@example.com"


def test_who_has_nothing_else_to_log_in_with_does_not_lose_it(weixin, client):
    signed_up(client)

    answer = client.post(CONNECTIONS, {"account": SocialAccount.objects.get().pk})

    assert answer.status_code == 200
    assert SocialAccount.objects.exists()


def test_the_password_still_lets_in_who_has_both(weixin, client):
    alice = a_customer("alice")
    client.force_login(alice)
    scan(client, f"{LOGIN}?process=connect")

    other = Client()
    other.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert is_in(other)


def test_nobody_else_s_code_is_taken(weixin, client):
    left = Client().get(LOGIN).headers["location"].partition("#")[0]
    back = urlsplit(httpx.get(left, trust_env=False).headers["location"])

    answer = client.get(f"{back.path}?{back.query}")  # a link that another person began

    assert answer.status_code == 401
    assert "WeChat did not say who you are" in answer.text
    assert not any("access_token" in one for one in weixin.requests)


def test_who_refuses_on_the_phone_is_told(weixin, client):
    weixin.scans = None

    assert "WeChat did not say who you are" in scan(client).text


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        *(("access_token", fault) for fault in ("500", "hang", "garbage", "half", "list")),
        *(("userinfo", fault) for fault in ("500", "hang", "garbage", "half", "list", "other")),
    ],
)
def test_what_cannot_be_believed_lets_nobody_in(weixin, client, monkeypatch, call, fault):
    monkeypatch.setattr(outside, "TIMEOUT", 0.3)
    weixin.faults.append(Fault(call, fault))

    assert "WeChat did not say who you are" in scan(client).text
    assert not Customer.objects.exists()
    signed_up(client)  # the next scan does
    assert is_in(client)


def test_a_secret_that_is_wrong_is_an_error_and_shows_nowhere(weixin, client, settings, caplog):
    caplog.set_level("DEBUG")
    settings.WEIXIN_LOGIN_SECRET = "an0ther"

    page = scan(client).text

    assert "WeChat did not say who you are" in page
    assert not any(word in page + caplog.text for word in ("an0ther", weixin.scans.open_id))


def test_nothing_of_a_person_stands_in_a_log(weixin, client, caplog):
    caplog.set_level("INFO")

    signed_up(client)

    assert weixin.scans.open_id not in caplog.text
    assert weixin.scans.union_id not in caplog.text


def test_without_an_application_there_is_no_such_door(client, settings):
    settings.WEIXIN_LOGIN_APP_ID = settings.WEIXIN_LOGIN_SECRET = ""

    assert "weixin" not in client.get("/accounts/login/").text
    assert client.get(LOGIN).status_code == 404
    assert client.get(f"{CALLBACK}?code=c&state=s").status_code == 404


@pytest.mark.parametrize("is_proved", [False, True])
def test_who_signs_up_with_somebody_else_s_address_loses_the_way_in_when_its_holder_comes(weixin, client, is_proved):
    signed_up(client, "victim@example.com")
    EmailAddress.objects.update(verified=is_proved)
    Client().post("/accounts/password/reset/", {"email": "victim@example.com"})
    [link] = re.findall(r"/accounts/password/reset/key/\S+", mail.outbox[-1].body)
    victim = Client()

    form = victim.get(link).headers["location"]
    victim.post(form, {"password1": PASSWORD, "password2": PASSWORD})

    victim.post("/accounts/login/", {"login": "victim@example.com", "password": PASSWORD})
    assert is_in(victim)
    assert not is_in(client)
    answer = scan(Client())
    assert (answer.headers["location"] == SIGNUP) is not is_proved
