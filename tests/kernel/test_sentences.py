"""A sentence is found by its template, with the values that stand in it."""

from kernel.sentences import Template, known

SHORT = Template("It answers %(status)s.")
LONG = Template("It answers %(status)s; look at %(key)s (100 %).")


def test_values_are_what_stands_in_the_places():
    assert SHORT.values("It answers 403.") == {"status": "403"}
    assert LONG.values("It answers 403; look at A_KEY (100 %).") == {"status": "403", "key": "A_KEY"}


def test_another_sentence_has_none():
    assert SHORT.values("It answers 403") is None
    assert known([LONG], "It answers 403.") is None


def test_the_first_template_that_fits_counts():
    assert known([LONG, SHORT], "It answers 7; look at K (100 %).") == (LONG.text, {"status": "7", "key": "K"})
    assert known([LONG, SHORT], "It answers 7.") == (SHORT.text, {"status": "7"})
