"""Every address. The role decides which half of them this process answers."""

from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []
if settings.ROLE in ("all", "panel"):
    urlpatterns += [
        path("admin/", admin.site.urls),
        path("accounts/", include("allauth.urls")),
        path("i18n/", include("django.conf.urls.i18n")),
    ]
    if find_spec("billing.urls") is not None:
        urlpatterns.append(path("", include("billing.urls")))
if settings.ROLE in ("all", "node") and find_spec("streaming.urls") is not None:
    urlpatterns.append(path("", include("streaming.urls")))
