"""The key ring: whatever the control plane serves, the keys that are right stay in use."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel import tokens
from streaming.store import keys as keys_module
from streaming.store.keys import KeyRing, read_jwks
from tests.streaming.conftest import GROUP, ISSUER, KID, jwks, make_token

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

    asked, there = threading.Event(), threading.Event()

    def slowly(source: str) -> str:
        asked.set()
        assert there.wait(10)
        return json.dumps(jwks())

    monkeypatch.setattr(keys_module, "_load", slowly)
    ring = KeyRing("somewhere")
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(ring.keys_for, KID)
        assert asked.wait(10)
        assert not ring.is_fresh_for(KID)
        others = [pool.submit(ring.keys_for, KID) for _ in range(3)]
        there.set()
        assert all(KID in one.result() for one in (first, *others))
    assert ring.is_fresh_for(KID)


class TestTokensThatWereHereBefore:
    """A token's signature is verified once; everything that may change is looked at each time."""

    @pytest.fixture
    def ring(self, tmp_path):
        file = tmp_path / "jwks.json"
        file.write_text(json.dumps(jwks()))
        return KeyRing(str(file))

    @pytest.fixture
    def opened(self, monkeypatch):
        """The tokens whose signature was verified."""
        seen, really = [], tokens._opened
        monkeypatch.setattr(tokens, "_opened", lambda token, key: (seen.append(token), really(token, key))[1])
        return seen

    def look(self, ring, token, **change):
        asked = {"issuer": ISSUER, "audience": GROUP, "now_s": time.time()}
        return ring.verify(token, KID, **{**asked, **change})

    def test_its_signature_is_verified_once(self, ring, opened):
        token = make_token()
        assert self.look(ring, token) == self.look(ring, token)
        assert opened == [token]

    def test_it_expires_all_the_same(self, ring):
        token = make_token()
        claims = self.look(ring, token)
        with pytest.raises(tokens.TokenExpired):
            self.look(ring, token, now_s=claims.expires_at_s + 5)
        with pytest.raises(tokens.BadToken, match="not valid yet"):
            self.look(ring, token, now_s=claims.not_before_s - 6)

    @pytest.mark.parametrize("change", [{"issuer": "another"}, {"audience": "another"}])
    def test_for_another_issuer_or_group_it_is_foreign(self, ring, change):
        token = make_token()
        self.look(ring, token)
        with pytest.raises(tokens.TokenForeign):
            self.look(ring, token, **change)

    def test_one_that_failed_is_not_remembered(self, ring, opened):
        token = make_token()[:-6] + "AAAAAA"
        for _ in range(2):
            with pytest.raises(tokens.BadToken):
                self.look(ring, token)
        assert opened == [token, token]

    def test_a_key_that_is_gone_takes_its_tokens_along_and_one_of_the_same_name_does_not_bring_them_back(self, ring):
        token, file = make_token(), Path(ring.source)
        self.look(ring, token)
        file.write_text(json.dumps({"keys": []}))
        ring._tried_at = float("-inf")
        with pytest.raises(tokens.UnknownKey):
            self.look(ring, token)
        stranger = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate().public_key()))
        file.write_text(json.dumps({"keys": [{**stranger, "kid": KID}]}))
        ring._tried_at = float("-inf")
        with pytest.raises(tokens.BadToken, match="signature"):
            self.look(ring, token)

    def test_keys_that_were_fetched_again_unchanged_cost_no_signature(self, ring, opened):
        token = make_token()
        self.look(ring, token)
        ring._tried_at = float("-inf")
        self.look(ring, token)
        assert opened == [token]

    def test_no_more_are_remembered_than_there_is_room_for(self, ring, opened, monkeypatch):
        monkeypatch.setattr(keys_module, "_MOST_REMEMBERED", 2)
        first, *others = [make_token() for _ in range(3)]
        for token in (first, *others, first):
            self.look(ring, token)
        assert opened == [first, *others, first]
        assert len(ring._known[1]) == 2
