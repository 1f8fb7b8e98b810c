"""Who comes in by key or session, with which scope, and how often: on a view of its own."""

import pytest
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts import api
from accounts.errors import ApiKeyUnknown, ScopeMissing
from accounts.services import create_api_key
from kernel.clock import utc_now
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


class Seen(APIView):
    authentication_classes = (api.ApiKeyAuthentication,)
    permission_classes = (api.HasScope,)
    throttle_classes = (api.ByKey,)
    scopes = {"POST": "orders"}

    def get(self, request):
        return Response({"who": str(request.user), "tokens": api.may(request, "tokens")})

    post = get

    def get_exception_handler(self):
        def kept(error, _context):
            raise error

        return kept


def ask(method="get", authorization=None):
    headers = {"Authorization": authorization} if authorization else {}
    return Seen.as_view()(getattr(APIRequestFactory(), method)("/", headers=headers))


def a_key(*scopes):
    return create_api_key(customer=a_customer(), name="n", scopes=scopes, now=utc_now())[1]


def test_a_key_is_its_customer():
    answer = ask(authorization=f"Bearer {a_key('read', 'tokens')}")

    assert answer.data == {"who": "alice@example.com", "tokens": True}


@pytest.mark.parametrize("header", [None, "", "Basic eDp5", "Bearer", "tpk_x"])
def test_what_is_no_bearer_is_left_to_the_session(header):
    assert ask(authorization=header).data["who"] == "AnonymousUser"


def test_a_bearer_that_is_no_key_is_refused_and_not_left_to_the_session():
    with pytest.raises(ApiKeyUnknown):
        ask(authorization="Bearer tpk_x")


def test_a_method_needs_its_scope_and_without_a_word_it_is_read():
    key = a_key("orders")

    assert ask("post", f"Bearer {key}").status_code == 200
    with pytest.raises(ScopeMissing) as refused:
        ask("get", f"Bearer {key}")
    assert refused.value.fields == {"scope": "read", "scopes": ["orders"]}


def test_calls_are_counted_by_key_and_minute(settings, monkeypatch):
    settings.API_CALLS_A_MINUTE = 2
    key, at = f"Bearer {a_key('read')}", utc_now().replace(second=50)
    monkeypatch.setattr(api, "utc_now", lambda: at)

    got = [ask(authorization=key).status_code for _ in range(2)]
    with pytest.raises(Exception, match="throttled") as refused:
        ask(authorization=key)

    assert got == [200, 200]
    assert 0 < refused.value.wait <= 10
    at = at.replace(second=0).replace(minute=(at.minute + 1) % 60)
    assert ask(authorization=key).status_code == 200


def test_the_description_says_how_a_key_is_sent():
    told = api.ApiKeyScheme(api.ApiKeyAuthentication).get_security_definition(None)

    assert (told["type"], told["scheme"]) == ("http", "bearer")
    assert "tpk_" in told["description"]
