"""OpenAPI 3.1 of what this process answers: the shop's API by drf-spectacular, the node's by its languages' own words.

`manage.py spectacular` writes the same. Made once a process, when somebody first asks.
"""

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from streaming.api import documents
from streaming.store.reports import program_version

Json = dict[str, Any]
_KEY_SET: Json = {
    "type": "object",
    "properties": {"keys": {"type": "array", "items": {"type": "object", "required": ["kty", "kid", "alg"]}}},
    "required": ["keys"],
}
_JWKS: Json = {
    "get": {
        "operationId": "jwks",
        "summary": "The public keys that tokens are signed with",
        "tags": ["Shop"],
        "security": [],
        "responses": {
            "200": {"description": "A JSON Web Key Set", "content": {"application/jwk-set+json": {"schema": _KEY_SET}}},
            "304": {"description": "It is still the one of `If-None-Match`"},
        },
    }
}


@csrf_exempt
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer how to ask this process."""
    return documents.answer(request, _text())


@cache
def _text() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


def document() -> Json:
    """Return the whole document of this process's role."""
    from drf_spectacular.generators import SchemaGenerator  # a fifth of a second that no process's start should pay

    with translation.override("en"):
        found: Json = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def complete(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """Add what drf-spectacular cannot see: views that are no views of the REST framework."""
    result["info"]["version"] = program_version()
    parts: list[Json] = [{"paths": {"/openapi.json": _openapi_itself("openapi")}}]
    if settings.ROLE in ("all", "panel"):
        parts.append({"paths": {"/.well-known/jwks.json": _JWKS}})
        result["tags"] = [
            {"name": "Shop", "description": "Purchases, payment notices and public keys."},
            {"name": "Shop API", "description": "For programs of buyers: plans, orders, balance, rights, tokens."},
        ]
    if settings.ROLE in ("all", "node"):
        parts.append({"paths": {"/v1/openapi.json": _openapi_itself("node_openapi")}})
        parts.append(documents.openapi_part())
    components = result.setdefault("components", {})
    for part in parts:
        result["paths"] |= part["paths"]
        result.setdefault("tags", []).extend(part.get("tags", ()))
        for kind, named in part.get("components", {}).items():
            components.setdefault(kind, {}).update(named)
    return result


def _openapi_itself(name: str) -> Json:
    answer = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    told = {"operationId": name, "summary": "This document", "security": [], "responses": {"200": answer}}
    return {"get": told}
