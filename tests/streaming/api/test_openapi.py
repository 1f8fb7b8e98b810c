"""The OpenAPI document is one, has every address of a node, and the running node answers as it says."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from config.openapi import document
from streaming import urls
from streaming.api.documents import openapi_part
from streaming.wire.describe import descriptions
from tests.streaming.conftest import make_scope, make_token
from tests.streaming.documents.judging import OfSamples, fits, written_out

pytestmark = pytest.mark.whole


@cache
def told() -> dict[str, Any]:
    return openapi_part()


OPERATIONS = [
    pytest.param(path, method, id=f"{method} {path}") for path, of in told()["paths"].items() for method in of
]
TOKEN_NEEDED = [
    one for one in OPERATIONS if {"bearer": []} in told()["paths"][one.values[0]][one.values[1]]["security"]
]
TWINS = ("/fund/", "/indices/", "/crypto/", "/future/", "/quote-b-api/")  # the same views under other names
SAMPLES = sorted((Path(__file__).resolve().parents[2] / "samples").glob("*/*.json"))
SUCCESSES = {
    (f"/{one.path}", one.method): one.answer
    for language in descriptions().values()
    for one in (language.rest.operations if language.rest is not None else ())
}


def operation(path: str, method: str) -> dict[str, Any]:
    return told()["paths"][path][method]


def schema_of(answer: dict[str, Any]) -> dict[str, Any]:
    ((_, media),) = answer["content"].items()
    return {**media["schema"], "components": told()["components"]}


def example_of(parameter: dict[str, Any]) -> str:
    if "content" in parameter:
        return json.dumps(parameter["content"]["application/json"]["example"])
    return str(parameter["example"])


def ask(rest, path: str, method: str, *, token: str | None = "", without: str = "", **more: Any) -> httpx.Response:
    """Ask what the document's examples say."""
    one = operation(path, method)
    query = {p["name"]: example_of(p) for p in one["parameters"] if p["in"] == "query" and p["name"] != without}
    for parameter in one["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", example_of(parameter))
    query |= more.pop("query", {})
    if "requestBody" in one and without != "body":
        more["json"] = one["requestBody"]["content"]["application/json"]["example"]
    return rest.get(path, token, method=method.upper(), params=query, **more)


def judge(path: str, method: str, got: httpx.Response) -> None:
    """The status is documented, and the body is of the schema that stands there."""
    answers = operation(path, method)["responses"]
    assert str(got.status_code) in answers, (got.status_code, got.text)
    answer = answers[str(got.status_code)]
    ((media_type, _),) = answer["content"].items()
    assert got.headers["content-type"].split(";")[0] == media_type
    body = got.json() if media_type == "application/json" else got.text
    assert [error.message for error in Draft202012Validator(schema_of(answer)).iter_errors(body)] == []
    for header in answer.get("headers", ()):
        assert header in got.headers


def test_the_document_is_openapi_3_1():
    validate_schema(document())


def test_every_address_of_the_node_is_described():
    addresses = {"/" + re.sub("<[a-z]+:([a-z]+)>", r"{\1}", str(one.pattern)) for one in urls.urlpatterns}

    assert addresses == set(told()["paths"])


def test_a_node_serves_the_whole_document(rest):
    got = rest.get("/openapi.json", None)

    assert got.status_code == 200
    assert set(got.json()["paths"]) == {*told()["paths"], "/openapi.json", "/v1/openapi.json"}  # of the role "node"
    assert got.headers["access-control-allow-origin"] == "*"
    assert rest.get("/v1/openapi.json", None).json() == got.json()
    assert rest.get("/openapi.json", None, method="POST").status_code == 405


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_examples_are_answered_as_described(path, method, rest):
    got = ask(rest, path, method)

    if path == "/readyz":  # no worker runs beside this node
        assert got.status_code == 503
        assert Draft202012Validator(SUCCESSES[path, method]).is_valid(got.json()), got.text
        return
    judge(path, method, got)
    if path == "/v1/sockets/{id}":  # nothing is connected; test_open_sockets.py ends some
        assert got.status_code == 404
        return
    success = SUCCESSES.get((path, method))
    if success is not None and operation(path, method)["security"] != [{"operator": []}]:
        body = got.json() if got.headers["content-type"].startswith("application/json") else got.text
        assert got.status_code == 200
        assert Draft202012Validator(success).is_valid(body), got.text


@pytest.mark.parametrize(("path", "method"), TOKEN_NEEDED)
def test_without_a_token_the_refusal_is_the_one_described(path, method, rest):
    got = ask(rest, path, method, token=None)

    assert got.status_code == 401
    judge(path, method, got)
    assert "WWW-Authenticate" in got.headers


@pytest.mark.parametrize(("path", "method"), [one for one in TOKEN_NEEDED if not one.values[0].startswith(TWINS)])
def test_whatever_is_missing_or_wrong_is_answered_as_described(path, method, rest):
    one = operation(path, method)
    asked = [p for p in one["parameters"] if p["in"] == "query"]
    token = make_token(make_scope("openapi-errors", 50, 50))

    for name in [*(p["name"] for p in asked if p["required"]), "body"]:
        judge(path, method, ask(rest, path, method, token=token, without=name))
    for parameter in asked:
        for wrong in (
            "nonsense",
            "-1",
            *(("000001",) if "code" in parameter["name"] or "symbol" in parameter["name"] else ()),
        ):
            judge(path, method, ask(rest, path, method, token=token, query={parameter["name"]: wrong}))


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_golden_answer_is_described(file):
    doc = json.loads(file.read_text())
    if "request" not in doc:
        return
    answer = operation(doc["request"]["path"].partition("?")[0], doc["request"]["method"].lower())["responses"]

    said = written_out(doc["answer"])

    assert fits(schema_of(answer[str(doc["status"])]), said, OfSamples)


@pytest.mark.parametrize("scheme", sorted(told()["components"]["securitySchemes"].keys() - {"operator"}))
def test_the_token_is_taken_in_every_place_that_is_described(scheme, rest):
    place, token = told()["components"]["securitySchemes"][scheme], make_token()
    sent: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}}
    if place["type"] == "apiKey":
        sent = {"headers" if place["in"] == "header" else "query": {place["name"]: token}}
    where = [
        one.values
        for one in OPERATIONS
        if {scheme: []} in operation(*one.values)["security"] and "{" not in one.values[0]
    ]

    assert where
    for path, method in where[:3]:
        judge(path, method, got := ask(rest, path, method, token=None, **sent))
        assert got.status_code != 401


@pytest.mark.parametrize("path", ["/stock/quote", "/v1/market/ticker", "/quote-stock-b-api/trade-tick"])
def test_too_many_calls_are_answered_as_described(path, rest):
    token = make_token()

    for _ in range(200):
        if (got := ask(rest, path, "get", token=token)).status_code == 429:
            break

    judge(path, "get", got)
    assert (got.status_code, int(got.headers["Retry-After"]) > 0) == (429, True)


@pytest.mark.parametrize(("path", "method"), TOKEN_NEEDED)
def test_every_parameter_that_is_described_counts(path, method):
    """No parameter is told twice, and an example fits its own schema."""
    parameters = operation(path, method)["parameters"]

    assert len({one["name"] for one in parameters}) == len(parameters)
    for one in parameters:
        held = one["content"]["application/json"] if "content" in one else one
        assert Draft202012Validator(held["schema"]).is_valid(held["example"]), one["name"]
