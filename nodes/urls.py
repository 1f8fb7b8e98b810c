"""The addresses that programs ask."""

from django.urls import path

from nodes import api

urlpatterns = [path("api/v1/delivery/", api.delivery, name="api-delivery")]
