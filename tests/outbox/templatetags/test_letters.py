"""Links in mails have a colour of their own, and whatever people wrote stays text."""

from django.template import Context, Template

PAGE = Template("{% load letters %}{{ text|urlize|coloured|linebreaksbr }}")


def test_a_link_is_coloured():
    shown = PAGE.render(Context({"text": "See https://shop.example/a\nnow"}))

    assert shown == (
        'See <a style="color:#0b5c56;" href="https://shop.example/a" rel="nofollow">https://shop.example/a</a><br>now'
    )


def test_what_somebody_wrote_is_no_link_of_ours():
    assert "<a" not in PAGE.render(Context({"text": '<a href="https' + '">'}))
