"""A form keeps what can be used of what was typed, and orders only what is whole."""

import uuid

import pytest

from panel.forms import BuyForm, ChoiceForm

WHOLE = {"plan": "pack-5", "months": "2", "node": "sh-1", "kind": "stack", "key": str(uuid.UUID(int=1))}


def test_nothing_chosen_is_a_month_and_a_fresh_key():
    first, second = ChoiceForm({}).chosen(), ChoiceForm({}).chosen()

    assert (first["plan"], first["months"]) == ("", 1)
    assert first["key"] != second["key"]


@pytest.mark.parametrize("wrong", [{"months": "13"}, {"months": "0"}, {"months": "x"}])
def test_months_that_nobody_sells_are_one(wrong):
    assert ChoiceForm({**WHOLE, **wrong}).chosen()["months"] == 1


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_an_order_needs_everything(missing):
    assert BuyForm(WHOLE).is_valid()
    assert not BuyForm({name: value for name, value in WHOLE.items() if name != missing}).is_valid()


def test_a_grant_chosen_in_the_other_card_is_forgotten_when_more_symbols_are_bought():
    stack, extend = BuyForm({**WHOLE, "extends": "7"}), BuyForm({**WHOLE, "kind": "extend", "extends": "7"})

    assert stack.is_valid()
    assert extend.is_valid()
    assert (stack.cleaned_data["extends"], extend.cleaned_data["extends"]) == (None, 7)
