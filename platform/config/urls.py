"""Every address. The role decides which half of them this process answers."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []
if settings.ROLE in ("all", "panel"):
    urlpatterns += [
        path("admin/", admin.site.urls),
        path("accounts/", include("allauth.urls")),
        path("i18n/", include("django.conf.urls.i18n")),
        path("", include("billing.urls")),
    ]
if settings.ROLE in ("all", "node"):
    urlpatterns.append(path("", include("streaming.urls")))
