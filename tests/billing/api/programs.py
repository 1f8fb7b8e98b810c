"""A program of a buyer, for tests: it has an API key, and holds each answer against the API's description."""

import json
import re
from functools import cache

from django.urls import resolve
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from accounts.services import create_api_key
from config.openapi import document
from kernel.clock import utc_now

SHOP = "/api/v1/shop"
EVERYTHING = ("read", "orders", "tokens")


@cache
def told() -> dict:
    return document()


class Program:
    """Calls the shop's API with a key, or with a browser's session."""

    def __init__(self, customer=None, scopes=EVERYTHING, *, client=None, **changes):
        self.client = client or APIClient(enforce_csrf_checks=True)
        self.key, self.text = None, ""
        if customer is not None:
            self.key, self.text = create_api_key(
                customer=customer, name="test", scopes=scopes, now=utc_now(), **changes
            )

    def get(self, path, **query):
        return self._ask("get", path, query)

    def post(self, path, key=None, **body):
        return self._ask("post", path, body, {"Idempotency-Key": key} if key else {})

    def put(self, path, **body):
        return self._ask("put", path, body)

    def _ask(self, method, path, said, headers=None):
        known = {"Authorization": f"Bearer {self.text}"} if self.text else {}
        return self.raw(method, path, said, {**known, **(headers or {})})

    def raw(self, method, path, said=None, headers=None, **more):
        if method != "get" and not more:
            said, more = json.dumps(said or {}), {"content_type": "application/json"}
        answer = getattr(self.client, method)(f"{SHOP}{path}", said, headers=headers or {}, **more)
        judge(answer, method, f"{SHOP}{path}")
        return answer


def judge(answer, method, address) -> None:
    """Hold an answer against what the document says of its address; of a problem, its code as well."""
    media_type = answer.headers["content-type"]
    content = json.loads(answer.content)
    if answer.status_code >= 400:
        assert media_type == "application/problem+json", answer.content
        assert content["status"] == answer.status_code
        assert content["type"].endswith(f"/api/v1/shop/problems#{content['code']}")
    else:
        assert media_type == "application/json"
    route = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", resolve(address.partition("?")[0]).route)
    described = told()["paths"].get(f"/{route}", {}).get(method)
    if described is None:
        assert answer.status_code in (404, 405)
        return
    answers = described["responses"]
    assert str(answer.status_code) in answers, (address, answer.content)
    held = answers[str(answer.status_code)]
    assert list(held["content"]) == [media_type], (address, answer.content)
    if answer.status_code >= 400:
        assert f"`{content['code']}`" in held["description"], (address, content)
    schema = {**held["content"][media_type]["schema"], "components": told()["components"]}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(content)] == []
