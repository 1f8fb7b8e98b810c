"""A program sees its customer's tokens, makes others, and replaces and revokes each by itself."""

import pytest

from billing.models import AccessToken
from billing.services import tokens
from kernel.clock import utc_now
from tests.billing.api.programs import Program
from tests.factories import a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def grant(alice, shop):
    return a_grant(alice, shop, at=utc_now())


def test_who_never_bought_has_none(program):
    assert program.get("/tokens").json() == {"items": []}


def test_tokens_are_seen_by_who_may_see_them(program, alice, grant):
    (told,) = program.get("/tokens").json()["items"]
    (hidden,) = Program(alice, ["read"]).get("/tokens").json()["items"]

    assert told["current"]["token"].startswith("eyJ")
    assert told["nodes"] == [
        {"node": "sh-1", "ws_url": "wss://sh-1.example:8443/ws/stock", "http_url": "https://sh-1.example:8443"}
    ]
    assert hidden["current"] == {**told["current"], "token": None}


def test_a_token_is_replaced_revoked_and_made_anew(program, grant):
    old = program.get("/tokens").json()["items"][0]["current"]["id"]

    rotated = program.post("/tokens/sh/rotate").json()
    revoked = program.post("/tokens/sh/revoke").json()
    made = program.post("/tokens/sh/create").json()

    assert (rotated["current"]["id"] != old, [one["id"] for one in rotated["replaced"]]) == (True, [old])
    assert (revoked["current"], revoked["replaced"]) == (None, [])
    assert made["current"]["token"].startswith("eyJ")
    assert program.post("/tokens/sh/create").json()["current"]["id"] == made["current"]["id"]


def test_too_many_working_tokens_are_refused(program, grant):
    for _ in range(tokens.MOST_WORKING - 1):
        assert program.post("/tokens/sh/rotate").status_code == 200

    answer = program.post("/tokens/sh/rotate")

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_tokens")


@pytest.mark.parametrize("verb", ["rotate", "revoke", "create"])
def test_a_group_on_which_nothing_was_bought_is_404(program, grant, verb):
    a_node("hk-1", group=a_group("hk"))

    answer = program.post(f"/tokens/hk/{verb}")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_group")
    assert AccessToken.objects.count() == 1


def test_a_named_token_stands_beside_the_main_one_and_is_ended_alone(program, grant):
    made = program.post("/tokens/sh/create", name="laptop", symbols=["600519.SH", "700.HK"]).json()
    laptop = made["tokens"][1]

    assert [(one["name"], one["symbols"]) for one in made["tokens"]] == [
        ("", []),
        ("laptop", ["00700.HK", "600519.SH"]),
    ]
    assert made["current"] == made["tokens"][0]
    rotated = program.post("/tokens/sh/rotate", id=laptop["id"]).json()
    assert [one["id"] for one in rotated["replaced"]] == [laptop["id"]]
    assert rotated["current"]["id"] == made["current"]["id"]
    revoked = program.post("/tokens/sh/revoke", id=rotated["tokens"][1]["id"]).json()
    assert [one["name"] for one in revoked["tokens"]] == [""]
    assert program.post("/tokens/sh/rotate", id=laptop["id"]).json()["code"] == "token_gone"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": ""}, "fields_invalid"),
        ({"symbols": ["600519.SH"]}, "bad_token_request"),
        ({"name": "x", "symbols": ["Moutai"]}, "bad_symbol"),
        ({"name": "x", "colour": "red"}, "fields_invalid"),
    ],
)
def test_what_is_no_token_is_refused(program, grant, body, code):
    answer = program.post("/tokens/sh/create", **body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert AccessToken.objects.count() == 1
