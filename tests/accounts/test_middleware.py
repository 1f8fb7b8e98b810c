"""The second factor of staff: no page of the admin without it, set up on the way, limited, and recovered."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from accounts.services import reset_second_factor
from tests.accounts.totp import totp
from tests.factories import PASSWORD, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
HOME = "/admin/"


@pytest.fixture(autouse=True)
def on(settings):
    settings.STAFF_MFA = True
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def root(db):
    person = a_customer("root", is_staff=True, is_superuser=True)
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    return person


def log_in(person):
    client = Client()
    answer = client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    return client, answer


def set_up(person):
    """Log in with the password, go to the admin, and set up what it asks for; return the browser and the secret."""
    client, _ = log_in(person)
    assert client.get(HOME).headers["location"] == "/accounts/2fa/totp/activate/"
    confirm = client.get("/accounts/2fa/totp/activate/").headers["location"]
    page = client.post(confirm, {"password": PASSWORD}, follow=True)
    secret = page.context["form"].secret
    answer = client.post("/accounts/2fa/totp/activate/", {"code": totp(secret, time.time())})
    assert answer.status_code == 302, answer.context["form"].errors
    return client, secret


def codes_of(client):
    page = client.get("/accounts/2fa/recovery-codes/").text
    return re.findall(r"<li><code>(\w+)</code></li>", page)


def test_rfc_6238_gives_its_own_vectors():
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    assert [totp(secret, at) for at in (59, 1111111109, 2000000000)] == ["287082", "081804", "279037"]


def test_a_password_alone_opens_no_page_of_the_admin(root):
    client, _ = log_in(root)

    for path in (HOME, "/admin/billing/purchase/", "/admin/billing/refund/verb/x/", "/admin/nodes/node/add/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (302, "/accounts/2fa/totp/activate/"), path
        assert client.post(path, {}).headers["location"] == "/accounts/2fa/totp/activate/"


def test_staff_set_it_up_prove_it_and_are_in(root):
    client, secret = set_up(root)
    asked = client.get(HOME)
    assert asked.headers["location"] == "/accounts/2fa/reauthenticate/?next=/admin/"

    proved = client.post(asked.headers["location"], {"code": totp(secret, time.time())})

    assert proved.headers["location"] == HOME
    assert client.get(HOME).status_code == 200


def test_the_next_login_asks_for_the_code_before_it_is_one(root):
    _, secret = set_up(root)

    client, answer = log_in(root)
    assert answer.headers["location"] == "/accounts/2fa/authenticate/"
    assert client.get("/dashboard/").status_code == 302  # nobody is logged in yet
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert client.post("/accounts/2fa/authenticate/", {"code": totp(secret, time.time())}).status_code == 302

    assert client.get(HOME).status_code == 200


def test_a_session_that_never_proved_it_is_asked_even_where_the_person_has_one(root):
    set_up(root)
    other = Client()
    other.force_login(root)

    assert other.get(HOME).headers["location"].startswith("/accounts/2fa/reauthenticate/")


def test_codes_cannot_be_guessed(root):
    _, secret = set_up(root)
    client, _ = log_in(root)

    for guess in range(6):
        said = client.post("/accounts/2fa/authenticate/", {"code": f"{guess:06d}"}).text
    assert "Too many failed login attempts" in said
    client.post("/accounts/2fa/authenticate/", {"code": totp(secret, time.time())})

    assert client.get(HOME).headers["location"].startswith("/admin/login/")


def test_a_recovery_code_lets_in_once(root):
    first, _ = set_up(root)
    codes = codes_of(first)
    assert len(set(codes)) == 10

    client, _ = log_in(root)
    assert client.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == 302
    assert client.get(HOME).status_code == 200
    again, _ = log_in(root)
    assert again.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == 200
    assert again.get("/dashboard/").status_code == 302


def test_who_lost_everything_begins_anew_and_old_sessions_end(root):
    client, secret = set_up(root)
    client.post("/accounts/2fa/reauthenticate/", {"code": totp(secret, time.time())})
    assert client.get(HOME).status_code == 200

    reset_second_factor(customer=root)

    assert not Authenticator.objects.exists()
    assert client.get(HOME).headers["location"].startswith("/admin/login/")
    set_up(root)


def test_buyers_are_asked_for_nothing(root):
    alice = a_customer("alice")
    client, answer = log_in(alice)

    assert answer.headers["location"] == "/dashboard/"
    assert client.get("/dashboard/").status_code == 200


def test_where_it_is_off_the_admin_says_so(root, settings):
    settings.STAFF_MFA = False
    client, _ = log_in(root)

    assert 'data-testid="second-factor-off"' in client.get(HOME).text


def test_where_it_is_on_the_admin_says_nothing(root):
    client, secret = set_up(root)
    client.post("/accounts/2fa/reauthenticate/", {"code": totp(secret, time.time())})

    assert "second-factor-off" not in client.get(HOME).text


def test_its_pages_run_no_inline_code(root):
    client, _ = log_in(root)
    confirm = client.get("/accounts/2fa/totp/activate/").headers["location"]
    page = client.post(confirm, {"password": PASSWORD}, follow=True)

    assert "unsafe" not in page["Content-Security-Policy"]
    assert " style=" not in page.text
    assert "data:image/svg+xml;base64," in page.text


def test_a_page_that_asked_for_no_session_is_the_same_for_all_and_notes_nobody(client, db):
    answer = client.get("/.well-known/jwks.json")

    assert "Cookie" not in answer.headers.get("Vary", "")
