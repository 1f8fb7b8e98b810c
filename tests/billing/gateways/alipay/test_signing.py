"""What Alipay sent verifies, what is altered does not, and another library agrees about what we sign."""

import json
from urllib.parse import urlencode

import pytest
from alipay import AliPay
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import BadNotice
from billing.gateways import rsa
from billing.gateways.alipay import signing
from billing.gateways.alipay.signing import Keys
from tests.billing.gateways.vectors import ALIPAY, alipay_form
from tests.emulators.alipay import AlipayEmulator, Trade
from tests.emulators.serving import run_key, sign
from tests.factories import NOW

REAL = Keys({"": rsa.public_key(ALIPAY["public_key_der_b64"])})
OURS = Keys({"": rsa.public_key(run_key("alipay").public_key().export_key().decode())})


def answer_of(told, *, name="alipay_trade_query_response", key=None, **more):
    raw = json.dumps(told)
    return f'{{"{name}":{raw},"sign":"{sign(key or run_key("alipay"), raw.encode())}"}}'.encode()


def test_a_notice_that_alipay_sent_verifies():
    fields = signing.read_form(alipay_form(), REAL)

    assert (fields["trade_no"], fields["total_amount"]) == ("2019081522001468450512505578", "0.10")


@pytest.mark.parametrize("name", sorted(ALIPAY["params"]))
def test_altered_in_any_field_it_does_not(name):
    with pytest.raises(BadNotice):
        signing.read_form(alipay_form(**{name: ALIPAY["params"][name] + "1"}), REAL)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (alipay_form(sign_type="RSA"), "only RSA2"),
        (alipay_form(sign=""), "not signed by Alipay"),
        (alipay_form(sign="AAAA"), "not signed by Alipay"),
        (alipay_form(more="1"), "not signed by Alipay"),
        (alipay_form() + b"&total_amount=9.00", "a field twice"),
        (alipay_form() + b"&note=" + b"x" * 66_000, "are the most"),
        (alipay_form(charset="utf-7"), "no form"),
        (alipay_form(alipay_cert_sn="abc"), "not known here"),
        (b"", "only RSA2"),
        (b"\xff\xfe", "no form"),
        (b"&".join(b"a%d=1" % nth for nth in range(300)), "no form"),
    ],
)  # fmt: skip
def test_what_is_refused_before_it_counts(body, why):
    with pytest.raises(BadNotice, match=why):
        signing.read_form(body, REAL)


@given(st.binary(max_size=300))
def test_nothing_else_is_raised(body):
    with pytest.raises(BadNotice):
        signing.read_form(body, REAL)


def test_t6_empty_fields_verify_signed_or_left_out():
    fields = {"app_id": "1", "charset": "utf-8", "out_biz_no": "", "trade_status": "TRADE_CLOSED"}
    for signed in (fields, {name: value for name, value in fields.items() if value}):
        text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
        body = urlencode({**fields, "sign_type": "RSA2", "sign": sign(run_key("alipay"), text.encode())}).encode()

        assert signing.read_form(body, OURS)["out_biz_no"] == ""


def test_a_notice_in_gbk_verifies():
    fields = {"charset": "GBK", "subject": "行情"}
    emulator = AlipayEmulator(clock=NOW.timestamp)

    assert signing.read_form(emulator.form(fields, charset="gbk"), OURS)["subject"] == "行情"


def test_answers_are_verified_as_they_were_written():
    raw = '{"code":"10000","u":"https:\\/\\/x","n":"\\u4e2d}"}'
    body = f'{{"alipay_trade_query_response": {raw} ,"sign":"{sign(run_key("alipay"), raw.encode())}"}}'

    answer, signed = signing.read_answer(body.encode(), "alipay.trade.query", OURS)

    assert (answer["u"], answer["n"], signed) == ("https://x", "中}", True)
    with pytest.raises(ValueError, match="not signed"):
        signing.read_answer(body.replace("\\/", "/").encode(), "alipay.trade.query", OURS)


def test_an_answer_without_a_signature_says_so():
    body = b'{"alipay_trade_query_response":{"code":"10000"}}'

    assert signing.read_answer(body, "alipay.trade.query", OURS) == ({"code": "10000"}, False)


def test_what_is_no_answer():
    good = answer_of({"code": "10000"})
    twice = b'{"alipay_trade_query_response":{"code":"10000","x":"1"},' + good[1:]
    for body, why in (
        (twice, "stands twice"),
        (answer_of({"code": "10000"}, name="alipay_trade_close_response"), "has no alipay_trade_query"),
        (answer_of({"code": "10000"}, key=run_key("stranger")), "not signed"),
        (good[:-1] + b',"error_response":{"code":"1"}}', "has no"),
        (b'{"alipay_trade_query_response":{"code":"1","code":"2"},"sign":"x"}', "twice"),
        (b"<html>", "no JSON"),
        (b"\xff", "decode"),
    ):
        with pytest.raises(ValueError, match=why):
            signing.read_answer(body, "alipay.trade.query", OURS)


def test_a_requests_text_is_sorted_without_empty_values():
    assert signing.request_text({"b": "2", "a": "x=1&y", "sign": "s", "sign_type": "RSA2", "c": ""}) == (
        "a=x=1&y&b=2&sign_type=RSA2"
    )


@pytest.fixture
def sdk():
    """The other library, as a merchant of the emulator's has it."""
    return AliPay(
        appid="2021000000000001",
        app_private_key_string=run_key("alipay's merchant").export_key().decode(),
        alipay_public_key_string=run_key("alipay").public_key().export_key().decode(),
    )


def test_another_library_signs_a_request_as_we_do(sdk):
    parameters = {"app_id": "1", "biz_content": '{"subject":"行情"}', "sign_type": "RSA2", "charset": "utf-8"}
    ours = rsa.sign(
        rsa.private_key(run_key("alipay's merchant").export_key(pkcs=8).decode()),
        signing.request_text(parameters).encode(),
    )

    assert f"sign={urlencode({'': ours})[1:]}" in sdk.sign_data(dict(parameters))


def test_another_library_verifies_the_emulators_notice_and_so_do_we(sdk):
    emulator = AlipayEmulator(clock=NOW.timestamp)
    trade = Trade("P1", 2000, "Pack 5", "", "", 0, "2026", "TRADE_SUCCESS")

    fields = signing.read_form(emulator.form(emulator.fields(trade)), OURS)

    told = {name: value for name, value in fields.items() if name != "sign"}
    assert sdk.verify(dict(told), fields["sign"])
    assert not sdk.verify({**told, "total_amount": "0.01"}, fields["sign"])
