"""A plain asynchronous Django view that does what any such view must: check the token, ask Redis, answer the same JSON.

The token is verified by PyJWT, as its pages show it; one round trip asks whether it was revoked. No middleware, no
limiter, no plan. BARE_BODY is the file with the answer, which Django encodes for each request; BARE_JWKS has the key.
"""

import json
import os
from pathlib import Path

import jwt
import redis.asyncio
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], SECRET_KEY="bare", USE_TZ=True)
_BODY = json.loads(Path(os.environ["BARE_BODY"]).read_text())
_KEYS = {key.key_id: key for key in jwt.PyJWKSet.from_json(Path(os.environ["BARE_JWKS"]).read_text()).keys}
_REDIS = redis.asyncio.Redis.from_url(os.environ["BARE_REDIS"])


async def latest(request: HttpRequest) -> JsonResponse:
    token = request.headers.get("X-API-Key", "")
    try:
        key = _KEYS[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token, key, algorithms=["EdDSA"], audience=os.environ["BARE_GROUP"], issuer=os.environ["BARE_ISSUER"]
        )
    except (KeyError, jwt.PyJWTError):
        return JsonResponse({"code": 1001}, status=401)
    if await _REDIS.get(f"revoked:{claims['jti']}") is not None:
        return JsonResponse({"code": 1001}, status=401)
    return JsonResponse(_BODY)


urlpatterns = [path("latest", latest)]
application = get_asgi_application()
