"""An error of HTTP as RFC 9457 has it: the members that it asks for, our code, and nothing that hides them."""

from kernel import problems
from kernel.errors import Refused


class Full(Refused):
    """Takes room."""

    message = "There is no room"
    code = "problems_test_full"


def test_it_has_the_members_of_the_standard_and_the_code():
    told = problems.of_http("not_found", base="https://shop.example", detail="nothing at /x")

    assert told == {
        "type": "https://shop.example/api/v1/shop/problems#not_found",
        "title": "There is nothing at this address",
        "status": 404,
        "detail": "nothing at /x",
        "code": "not_found",
    }
    assert problems.of_http("not_found", base="")["detail"] == "There is nothing at this address"


def test_an_error_of_ours_brings_its_numbers_and_cannot_hide_what_it_is():
    told = problems.of_error(Full("only 3 left", room=3, status="?", code="?", type="?"), base="")

    assert (told["title"], told["detail"], told["room"]) == ("There is no room", "only 3 left", 3)
    assert (told["status"], told["code"]) == (409, "problems_test_full")


def test_only_the_shop_s_api_answers_so():
    assert problems.applies_to("/api/v1/shop/plans")
    for path in ("/api/purchases", "/api/v1/delivery/", "/api/v1/shopping", "/", "/admin/api/v1/shop/"):
        assert not problems.applies_to(path)
