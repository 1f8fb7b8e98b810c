"""What load balancers, pollers and nodes ask inside a deployment is answered over plain HTTP; the rest is sent to HTTPS."""

import pytest

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"])
def test_signs_of_life_are_not_redirected(client, settings, path):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path).status_code != 301


def test_pages_are(client, settings):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/accounts/login/").headers["Location"] == "https://testserver/accounts/login/"
