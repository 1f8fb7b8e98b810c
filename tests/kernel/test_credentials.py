"""A token is found where a client may put it and nowhere else, and every 401 says which kind of token is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.credentials import (
    bearer,
    challenge,
    looks_like_a_token,
    own_header,
    query_token,
    required,
    secret,
    subprotocol_token,
    text,
)
from kernel.errors import Malformed, Refused, Unavailable
from kernel.tokens import BadToken, SubscriptionExpired, TokenMissing

HEADERS = st.none() | st.text(max_size=40) | st.binary(max_size=40)


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER abc", "Bearer   abc  ", b"Bearer abc"])
def test_a_bearer_token_is_read_whatever_the_schemes_case(header):
    assert bearer(header) == "abc"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer    ",
        "abc",
        "Basic abc",
        "Bearerabc",
        " Bearer abc",
        "Bearer\tabc",
        b"\xff\xfe",
    ],
)
def test_what_is_no_bearer_header_has_no_token(header):
    assert bearer(header) == ""


def test_all_behind_the_scheme_is_the_token_blanks_inside_too():
    assert bearer("Bearer a b") == "a b"


@pytest.mark.parametrize("header", ["Bearer s3", "s3", " s3 ", "Bearer   s3 ", b"Bearer s3"])
def test_an_operators_secret_may_stand_bare(header):
    assert secret(header) == "s3"


def test_an_operators_secret_knows_no_other_scheme():
    assert secret("bearer s3") == "bearer s3"
    assert secret("Basic s3") == "Basic s3"
    assert secret("Bearer ") == "Bearer"
    assert secret(None) == ""


def test_a_dialects_own_header_is_the_token_without_blanks():
    assert own_header(" abc ") == "abc"
    assert own_header(b"abc") == "abc"
    assert own_header("  ") == own_header(None) == ""


def test_a_page_offers_its_token_as_the_second_of_two_subprotocols():
    assert subprotocol_token(["bearer", "abc"]) == "abc"


@pytest.mark.parametrize("offered", [[], ["bearer"], ["abc", "bearer"], ["Bearer", "abc"], ["bearer", "abc", "chat"]])
def test_other_subprotocols_are_no_token(offered):
    assert subprotocol_token(offered) == ""


def test_a_query_has_a_token_only_under_the_dialects_names():
    assert query_token(b"token=abc&x=1", ["token"]) == "abc"
    assert query_token("api_key=abc", ["token", "api_key"]) == "abc"
    assert query_token("token=abc", ["api_key"]) == ""
    assert query_token("token=abc", []) == ""
    assert query_token(b"", ["token"]) == ""


def test_of_two_tokens_in_a_query_the_first_name_and_the_first_value_count():
    assert query_token("b=2&a=1", ["a", "b"]) == "1"
    assert query_token("a=1&a=2", ["a"]) == "1"
    assert query_token("a=%20&b=2", ["a", "b"]) == "2"


def test_a_token_in_a_query_is_decoded():
    assert query_token("token=a%2Eb+", ["token"]) == "a.b"


def test_a_query_that_seems_to_carry_a_token_is_known():
    assert looks_like_a_token(b"x=1&token=abc")
    assert looks_like_a_token("access_token=abc")
    assert not looks_like_a_token(b"symbols=600519.SH")
    assert not looks_like_a_token(b"")


def test_the_first_token_that_was_found_counts():
    assert required("", "abc", "def") == "abc"


def test_no_token_anywhere_is_said_so():
    with pytest.raises(TokenMissing):
        required("", "")
    with pytest.raises(TokenMissing):
        required()


def test_the_challenge_names_the_scheme_and_the_errors_code():
    assert challenge(SubscriptionExpired()) == 'Bearer error="invalid_token", error_description="subscription_expired"'
    assert challenge(TokenMissing()) == 'Bearer error="invalid_token", error_description="token_missing"'


def test_the_challenge_shows_nothing_of_the_message():
    assert "eyJ" not in challenge(BadToken("eyJ is not a token"))


@pytest.mark.parametrize("error", [Refused(), Malformed(), Unavailable()])
def test_only_a_401_is_a_challenge(error):
    assert challenge(error) is None


def test_header_bytes_are_latin_1_so_none_is_unreadable():
    assert text(bytes(range(256))) == "".join(map(chr, range(256)))


@given(HEADERS, st.lists(st.text(max_size=10), max_size=3), st.text(max_size=40) | st.binary(max_size=40))
def test_nothing_a_client_sends_makes_reading_raise(header, offered, query):
    found = [bearer(header), secret(header), own_header(header), query_token(query, ["token"])]

    assert all(token == token.strip() for token in found)
    assert isinstance(subprotocol_token(offered), str)
    assert looks_like_a_token(query) in (True, False)
