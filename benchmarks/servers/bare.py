"""A bare asynchronous Django view that answers the same JSON as Tickpack does: no middleware, no token.

BARE_BODY is the file with the answer; Django encodes it for each request, as any view would.
"""

import json
import os
from pathlib import Path

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], SECRET_KEY="bare", USE_TZ=True)
_BODY = json.loads(Path(os.environ["BARE_BODY"]).read_text())


async def latest(request: HttpRequest) -> JsonResponse:
    return JsonResponse(_BODY)


urlpatterns = [path("latest", latest)]
application = get_asgi_application()
