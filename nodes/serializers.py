"""JSON out, for the proof of delivery."""

from typing import Any

from rest_framework import serializers


class DayShown(serializers.Serializer[Any]):
    """One symbol on one day of the exchange, over all of the caller's sockets."""

    day = serializers.DateField()
    symbol = serializers.CharField()
    due = serializers.IntegerField(help_text="bars of 1.5 s that there were while a socket of yours followed it")
    sent = serializers.IntegerField(help_text="of these, sent to you")
    late = serializers.IntegerField(help_text="of those that were sent: more than 3 s after their window's end")
    not_sent = serializers.IntegerField(help_text="due and not sent: your program read too slowly")


class TotalShown(serializers.Serializer[Any]):
    """The whole range that was asked for."""

    due = serializers.IntegerField()
    sent = serializers.IntegerField()
    late = serializers.IntegerField()
    not_sent = serializers.IntegerField()


class DeliveryShown(serializers.Serializer[Any]):
    """A page of days, newest first; `next` asks for the following one as `after`, and is empty at the end."""

    first = serializers.DateField()
    last = serializers.DateField()
    total = TotalShown()
    days = DayShown(many=True)
    next = serializers.CharField(allow_blank=True)


class ErrorOfDelivery(serializers.Serializer[Any]):
    """Our own errors; further fields carry the numbers."""

    code = serializers.CharField()
    message = serializers.CharField()
