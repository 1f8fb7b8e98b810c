"""The shop's half of the OpenAPI document: every JSON address stands there, and the answers are as it says."""

import json
import re

import pytest
from django.core.management import call_command
from django.utils.timezone import localdate
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from billing import urls
from billing.api.shop.catalogue import Nothing
from billing.models import Purchase
from config.openapi import document
from kernel.clock import utc_now
from nodes.models import Delivered
from tests.billing.test_api import BODY, api, buy, notify  # noqa: F401  (api is a fixture)
from tests.factories import a_customer, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(scope="module")
def told() -> dict:
    return document()


def judge(told: dict, path: str, method: str, got) -> None:
    answers = told["paths"][path][method]["responses"]
    assert str(got.status_code) in answers, got.content
    if got.status_code == 304:
        return
    ((media_type, held),) = answers[str(got.status_code)]["content"].items()
    assert got.headers["content-type"] == media_type
    schema = {**held["schema"], "components": told["components"]}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(got.content))] == []


def test_every_json_address_of_the_shop_is_described(told):
    validate_schema(told)
    ours = [one for one in urls.urlpatterns if one.callback.__module__ == "billing.api" or hasattr(one.callback, "cls")]
    ours = [one for one in ours if getattr(one.callback, "cls", None) is not Nothing]  # whatever is not there
    addresses = {"/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(one.pattern)) for one in ours}

    assert len(addresses) == 26
    assert addresses <= set(told["paths"])


def test_it_is_made_without_a_warning_and_each_operation_has_a_name_of_its_own(told, tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "openapi.yaml"))

    ways = [way for path in told["paths"].values() for name, way in path.items() if name != "parameters"]
    assert len({way["operationId"] for way in ways}) == len(ways)


def test_what_stands_for_nothing_said_is_what_could_be_said(told):
    """Generators refuse a default that its own field forbids; the validator above does not look."""
    told_of = [
        (name, field, held)
        for name, schema in told["components"]["schemas"].items()
        for field, held in schema.get("properties", {}).items()
        if "default" in held
    ]

    assert len(told_of) >= 10
    for name, field, held in told_of:
        schema = {**held, "components": told["components"]}
        assert list(Draft202012Validator(schema).iter_errors(held["default"])) == [], (name, field)


def test_every_answer_of_the_shop_s_api_has_its_shape(told):
    shop = {path: ways for path, ways in told["paths"].items() if path.startswith("/api/v1/shop/")}

    assert len(shop) == 23
    for path, ways in shop.items():
        for way in ways.values():
            for status, answer in way["responses"].items():
                ((media_type, held),) = answer["content"].items()
                if media_type == "application/pdf":
                    assert path.endswith(".pdf")
                    assert held["schema"] == {"type": "string", "format": "binary"}
                    continue
                assert media_type == ("application/json" if status < "400" else "application/problem+json"), path
                assert held["schema"]["$ref"].startswith("#/components/schemas/"), path
            public = path.endswith("/problems")
            assert way.get("security") == (None if public else [{"ApiKey": []}, {"cookieAuth": []}]), path
            assert ({"401", "403", "429"} <= set(way["responses"])) != public
            assert {"404", "405", "406", "500", "503"} <= set(way["responses"])
    assert told["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


def test_purchases_are_answered_as_described(told, api):  # noqa: F811
    judge(told, "/api/purchases", "get", api.get("/api/purchases"))
    for got, status in (
        (buy(api), 201),
        (buy(api), 200),
        (buy(api, months=2), 422),
        (buy(api, key="another", plan="nothing"), 409),
        (buy(api, key="another", months=99), 400),
        (api.post("/api/purchases", BODY, format="json"), 400),
        (buy(api, key="third", kind="extend", extends=999), 404),
        (APIClient().post("/api/purchases", BODY, format="json"), 403),
    ):
        assert got.status_code == status, got.content
        judge(told, "/api/purchases", "post", got)
    listed = api.get("/api/purchases")
    assert len(listed.json()["purchases"]) == 1
    judge(told, "/api/purchases", "get", listed)
    judge(told, "/api/purchases", "get", APIClient().get("/api/purchases"))


def test_deliveries_are_answered_as_described(told, api):  # noqa: F811
    alice = a_customer("delivered-to")
    api.force_authenticate(alice)
    Delivered.objects.create(
        customer=alice, group=a_group(), node="sh-1", lane="CN", symbol="600519.SH",
        day_on=localdate(utc_now()), due=2, sent=1,
    )  # fmt: skip
    for got, status in (
        (api.get("/api/v1/delivery/"), 200),
        (api.get("/api/v1/delivery/?from=x"), 400),
        (APIClient().get("/api/v1/delivery/"), 403),
    ):
        assert got.status_code == status
        judge(told, "/api/v1/delivery/", "get", got)


def test_notices_are_answered_as_described(told, api, keys_dir):  # noqa: F811
    buy(api)
    purchase = Purchase.objects.get()
    message = {
        "event_id": "e", "order_id": purchase.attempts.get().order_no, "amount_fen": 1000, "currency": "CNY",
        "paid_at": int(utc_now().timestamp()), "status": "paid",
    }  # fmt: skip
    path = "/payments/{provider}/notify"

    for got, status in (
        (notify(message, key="forged"), 400),
        (notify({**message, "event_id": "f", "amount_fen": 1}), 200),
        (notify(message), 200),
        (APIClient().post("/payments/nobody/notify", b"{}", content_type="application/json"), 403),
    ):
        assert got.status_code == status, got.content
        judge(told, path, "post", got)
    judge(told, "/api/purchases", "get", api.get("/api/purchases"))  # now with a grant


def test_the_key_set_is_answered_as_described(told, client, keys_dir):
    first = client.get("/.well-known/jwks.json")
    again = client.get("/.well-known/jwks.json", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    for got in (first, again):
        judge(told, "/.well-known/jwks.json", "get", got)


def test_the_panel_serves_the_document(told, client):
    got = client.get("/openapi.json")

    assert got.json() == json.loads(json.dumps(told))
    assert {"/api/purchases", "/v1/market/kline", "/stock/quote"} <= set(got.json()["paths"])  # of the role "all"
