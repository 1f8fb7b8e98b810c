"""Which Redis is whose."""

import pytest

from nodes import selectors
from nodes.errors import NoSuchGroup, UnknownTransport
from outbox.transports.redis import RedisLink
from tests.factories import a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
ELSEWHERE = "redis://hk.example:6379/0"


def at(slug, address):
    group = a_group(slug)
    group.address = address
    group.full_clean()
    group.save()
    return group


def test_a_group_without_an_address_uses_the_panels_own():
    assert selectors.link_to(a_group("sh")) == RedisLink() == selectors.link_named(selectors.OWN)


def test_a_group_with_one_is_reached_there():
    at("hk", ELSEWHERE)

    assert selectors.link_named("hk") == RedisLink(ELSEWHERE)


def test_a_group_that_is_not_there_is_refused():
    with pytest.raises(NoSuchGroup):
        selectors.link_named("atlantis")


def test_every_redis_is_named_once():
    a_group("sh")
    at("hk", ELSEWHERE)
    at("hk-2", ELSEWHERE)

    assert selectors.destinations() == [selectors.OWN, "hk"]


def test_a_transport_of_another_version_is_refused_and_keeps_its_place():
    group = a_group("far")
    group.transport = "pigeon"
    group.save()

    with pytest.raises(UnknownTransport):
        selectors.link_to(group)
    assert selectors.destinations() == [selectors.OWN, "far"]


@pytest.mark.parametrize("address", ["hk.example:6379", "http://hk.example", "redis://", "redis://a b"])
def test_an_address_that_is_none_is_refused_where_it_is_typed(address):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        at("hk", address)
