"""Every address. The role decides which half of them this process answers."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config.openapi import openapi
from streaming.api.node import nothing_here

handler400 = "config.failures.unreadable"
handler500 = "config.failures.failed"
urlpatterns: list[URLPattern | URLResolver] = [path("openapi.json", openapi, name="openapi")]
if settings.ROLE in ("all", "panel"):
    # One door for everybody, whose limit on failed attempts then holds for the admin too.
    admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
    urlpatterns += [
        path("admin/", admin.site.urls),
        path("", include("accounts.urls")),  # before allauth's: one of theirs asks by mail
        path("accounts/", include("allauth.urls")),
        path("", include("panel.urls")),
        path("", include("billing.urls")),
        path("", include("nodes.urls")),
    ]
if settings.ROLE in ("all", "node"):
    # Where panel and node share a host name, what stands below /v1 is the node's.
    urlpatterns.append(path("v1/openapi.json", openapi))
    urlpatterns.append(path("", include("streaming.urls")))
if settings.ROLE == "node":
    # The page for people is the panel's, and names its addresses.
    urlpatterns += [path("", nothing_here), path("<path:rest>", nothing_here)]
