"""The key ring: whatever the control plane serves, the keys that are right stay in use."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from streaming.store import keys as keys_module
from streaming.store.keys import KeyRing, read_jwks
from tests.streaming.conftest import KID, jwks

WRONG = [
    1,
    None,
    [],
    {},
    {"kty": ["OKP"], "kid": "a"},
    {"kty": "OKP", "kid": 5},
    {"kty": "OKP", "crv": "X25519", "kid": "a", "x": "AAAA"},
    {"kty": "oct", "kid": "a", "k": "AAAA"},
    {"kty": "OKP", "crv": "Ed25519", "kid": "../a", "x": "AAAA"},
]


@pytest.mark.parametrize("entry", WRONG, ids=str)
def test_an_entry_that_is_no_key_of_ours_is_left_out_and_the_others_stay(entry):
    document = {"keys": [entry, *jwks()["keys"]]}
    assert list(read_jwks(json.dumps(document))) == [KID]


@pytest.mark.parametrize("source", ["no/such/file", "http://[", "http://127.0.0.1:1/jwks.json"])
def test_a_source_that_cannot_be_read_leaves_the_ring_empty_and_raises_nothing(source):
    assert KeyRing(source).keys_for("a") == {}


def test_keys_of_before_are_served_while_the_source_is_broken(tmp_path):
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(jwks()))
    ring = KeyRing(str(file))
    assert KID in ring.keys_for(KID)
    file.write_text("not JSON")
    ring._tried_at = float("-inf")
    assert KID in ring.keys_for(KID)


def test_who_asks_while_the_keys_are_being_fetched_waits_for_them(monkeypatch):
    """Sixteen of a thousand first connections were told that nobody knows their key."""

    def slowly(source: str) -> str:
        time.sleep(0.2)
        return json.dumps(jwks())

    monkeypatch.setattr(keys_module, "_load", slowly)
    ring = KeyRing("somewhere")
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(ring.keys_for, KID)
        time.sleep(0.05)
        assert not ring.is_fresh_for(KID)
        others = [pool.submit(ring.keys_for, KID) for _ in range(3)]
        assert all(KID in one.result() for one in (first, *others))
    assert ring.is_fresh_for(KID)
