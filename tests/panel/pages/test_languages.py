"""The wire's languages have the names that people know them by, ours first."""

from panel.pages.languages import languages


def test_ours_comes_first_and_each_has_a_name():
    found = languages()

    assert next(iter(found.items())) == ("native", "Tickpack")
    assert found["rt_receiver"] == "rt-receiver"
    assert all(found.values())
