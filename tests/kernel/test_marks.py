"""A mark changes nothing of a view but what its server reads."""

from kernel.marks import straight


def test_a_marked_view_is_the_same_view():
    async def view(request):
        return request

    assert straight(view) is view
    assert view.straight is True
