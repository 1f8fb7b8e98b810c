"""The stores' addresses: a URL without a secret in it and the password beside it, or both in one; never in a message.

A password may hold any character. In a URL those that mean something there (`/ # ? % @ :`) must be written %2F and
so on; in NAME_PASSWORD (or the file that NAME_PASSWORD_FILE names) it stands as it is.
"""

import ssl
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env import env_secret

REDIS = ("redis", "rediss", "unix")
BROKER = ("redis", "rediss")
SQL = ("postgresql", "postgres", "sqlite")
CLICKHOUSE = ("http", "https")
_HINTS = {
    "sentinel": "Sentinel is not supported; name the primary, or a proxy that follows it",
    "redis+sentinel": "Sentinel is not supported; name the primary, or a proxy that follows it",
    "cluster": "a cluster is not supported here; name one server",
    "redis+cluster": "a cluster is not supported here; name one server",
    "clickhouse": "write http or https: the port of the HTTP interface is asked (8123, 8443)",
    "clickhouses": "write https",
    "mysql": "the shop needs PostgreSQL",
}


def env_store(name: str, default: str, *, schemes: tuple[str, ...]) -> str:
    """Return a store's URL, its password put in.

    Args:
        name: of the variable, ending in _URL; its password's name ends in _PASSWORD instead.

    Raises:
        ImproperlyConfigured: one sentence that says what is wrong and never shows the value.
    """
    password_name = f"{name.removesuffix('_URL')}_PASSWORD"
    url, password = env_secret(name) or default, env_secret(password_name)
    if not url.startswith(("sqlite:", "unix:")) and not _is_readable(url):
        raise ImproperlyConfigured(
            f"{name} cannot be read as an address. If its password has one of / # ? % @ : in it, take it out of the "
            f"address and put it into {password_name} (or a file, named by {password_name}_FILE)."
        )
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        hint = _HINTS.get(parts.scheme)
        known = " or ".join(f"{one}://" for one in schemes)
        said = f"{parts.scheme[:20]}://" if parts.scheme else "no scheme"
        raise ImproperlyConfigured(f"{name} begins with {said}; it needs {known}{f' ({hint})' if hint else ''}.")
    if not password:
        return url
    if parts.password is not None:
        raise ImproperlyConfigured(f"{name} has a password in it and {password_name} is set as well; keep one of them.")
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}").geturl()


def _is_readable(url: str) -> bool:
    try:
        _ = urlsplit(url).port  # reading it is what raises
    except ValueError:
        return False
    # A slash in a password ends what is read as the host: what stands before it is taken for a port or a name.
    return "@" not in url.partition("//")[2].partition("/")[2] and "#" not in url


def broker_tls(url: str) -> dict[str, Any]:
    """Return what Celery needs to check a rediss:// server: against ?ssl_ca_certs, or the machine's authorities."""
    asked = parse_qs(urlsplit(url).query)
    authorities = asked.get("ssl_ca_certs", [ssl.get_default_verify_paths().cafile])[0]
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, "ssl_ca_certs": authorities}
