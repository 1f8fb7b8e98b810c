"""Every kind has one owner."""

import pytest


def prepare(payload, now):
    return payload


def test_a_kind_is_found_by_its_name(kinds_of_a_test):
    kinds_of_a_test.register("note", label="a note", prepare=prepare, transport=print)

    kind = kinds_of_a_test.find("note")

    assert (kind.name, kind.label, kind.prepare, kind.transport) == ("note", "a note", prepare, print)
    assert "note" in kinds_of_a_test.names()


def test_what_nobody_registered_is_not_found(kinds_of_a_test):
    assert kinds_of_a_test.find("note") is None
    assert "note" not in kinds_of_a_test.names()


def test_registering_again_the_same_is_harmless_and_another_is_refused(kinds_of_a_test):
    kinds_of_a_test.register("note", label="a note", prepare=prepare, transport=print)
    kinds_of_a_test.register("note", label="a note", prepare=prepare, transport=print)

    with pytest.raises(ValueError, match="note"):
        kinds_of_a_test.register("note", label="a note", prepare=prepare, transport=repr)


def test_the_kinds_of_the_program_are_those_of_their_owners(kinds_of_a_test):
    people = {"phone_moved", "account", "ticket_answered", "ticket_asked", "announcement", "announcement_mail"}
    shop = {
        "order", "order_to_transfer", "receipt", "prepaid", "refund_decided", "refund", "pack_ends", "way_back", "trial_ends",
        "renewal_ahead", "renewed", "renewal_failed", "token_replaced", "token_revoked", "compensation",
        "books_differ", "terms_end", "fapiao", "fapiao_red", "sandbox_notice",
    }  # fmt: skip
    nodes = {
        "entitlement",
        "revocation",
        "drain",
        "feed_setting",
        "calendar_override",
        "calendar_horizon",
        "instruments",
    }

    assert set(kinds_of_a_test.names()) == people | shop | nodes
