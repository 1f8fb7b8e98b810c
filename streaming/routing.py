"""Socket paths of a node."""

from django.urls import path

from streaming.consumers import StreamConsumer

websocket_urlpatterns = [path("ws/stock", StreamConsumer.as_asgi())]
