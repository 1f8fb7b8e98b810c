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
    shop = {"receipt", "sandbox_notice"}
    nodes = {"entitlement", "revocation", "drain", "feed_setting", "calendar_override"}

    assert set(kinds_of_a_test.names()) == shop | nodes
