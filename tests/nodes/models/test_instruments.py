"""A row of the list as a model: what it is in the list, and what it refuses with a sentence."""

import pytest
from django.core.exceptions import ValidationError

from kernel.listing import complete
from nodes.models import Instrument, InstrumentList

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
ROW = complete({"symbol": "600519.SH", "name_zh": "贵州茅台", "listed_on": "2001-08-27"})


def test_a_row_comes_out_of_the_database_as_it_went_in():
    Instrument.objects.create(**Instrument.fields_of(ROW))

    assert Instrument.objects.get().as_row() == ROW


def test_a_symbol_is_written_canonically_and_what_is_wrong_is_said():
    instrument = Instrument(**Instrument.fields_of(ROW | {"symbol": "600519.sh"}))
    instrument.full_clean()
    assert instrument.symbol == "600519.SH"

    for changes, said in (({"symbol": "1"}, "is not a symbol"), ({"name_zh": ""}, "it has no name")):
        with pytest.raises(ValidationError) as refusal:
            Instrument(**Instrument.fields_of(ROW | changes)).full_clean()
        assert said in str(refusal.value)


def test_rows_say_what_they_are():
    assert str(Instrument(symbol="600519.SH", name_zh="贵州茅台")) == "600519.SH 贵州茅台"
    assert str(InstrumentList(rev=3, rows=4)) == "3: 4"
