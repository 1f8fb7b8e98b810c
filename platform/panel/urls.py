"""The addresses of the pages. Those that programs ask are the apps' own."""

from django.urls import path

from panel import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("i18n/setlang/", pages.language, name="set_language"),
    path("subscribe/", pages.subscribe, name="subscribe"),
    path("subscribe/choice", pages.choice, name="subscribe-choice"),
    path("purchases/<slug:public_id>/", pages.purchase, name="purchase"),
    path("purchases/<slug:public_id>/state", pages.purchase_state, name="purchase-state"),
    path("purchases/<slug:public_id>/pay", pages.pay, name="purchase-pay"),
    path("dashboard/", pages.dashboard, name="dashboard"),
    path("connect/", pages.connect, name="connect"),
    path("connect/<slug:language>/", pages.connect, name="connect"),
    path("live/", pages.live, name="live"),
    path("tokens/<slug:group>/rotate", pages.rotate, name="token-rotate"),
    path("tokens/<slug:group>/create", pages.create_token, name="token-create"),
    path("tokens/<slug:group>/revoke", pages.revoke, name="token-revoke"),
]
