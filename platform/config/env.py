"""Settings come from the environment; what cannot be read is refused with the name, the value and what to do."""

import ipaddress
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def env_text(name: str, default: str = "") -> str:
    """Return a setting without the blanks around it."""
    return os.environ.get(name, default).strip()


def env_bool(name: str, default: bool = False) -> bool:
    """Return a switch: 1, true, yes, on; 0, false, no, off or nothing.

    Raises:
        ImproperlyConfigured: it is neither; the sentence has name and value.
    """
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in _YES:
        return True
    if value.strip().lower() in _NO:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no; set it to 1 or 0.")


def env_int(name: str, default: int) -> int:
    """Return a whole number; raises ImproperlyConfigured where it is none."""
    value = os.environ.get(name)
    if value is None or not value.strip():
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from None


def env_float(name: str, default: float) -> float:
    """Return a number; raises ImproperlyConfigured where it is none."""
    value = os.environ.get(name)
    if value is None or not value.strip():
        return default
    try:
        return float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a number.") from None


def env_list(name: str, default: str = "") -> list[str]:
    """Return the parts between commas, without blanks and empty ones."""
    return [part.strip() for part in env_text(name, default).split(",") if part.strip()]


def env_networks(name: str, default: str = "") -> list[str]:
    """Return addresses and networks (10.0.0.2, 10.0.0.0/8, ::1) between commas.

    Raises:
        ImproperlyConfigured: one of them is neither; a host name is refused too, since it may change its address.
    """
    networks = env_list(name, default)
    for one in networks:
        try:
            ipaddress.ip_network(one)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name}: {one!r} is no IP address and no network ({error}); write 10.0.0.2 or 10.0.0.0/24."
            ) from None
    return networks


def env_choice(name: str, choices: tuple[str, ...], default: str) -> str:
    """Return one of some words; raises ImproperlyConfigured where it is another."""
    value = env_text(name, default) or default
    if value not in choices:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(choices)}.")
    return value


def env_secret(name: str, default: str = "") -> str:
    """Read NAME, or the file that NAME_FILE names (how Docker and Kubernetes hand over secrets)."""
    file = env_text(f"{name}_FILE")
    if not file:
        return env_text(name, default)
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={file!r} cannot be read: {error.strerror}.") from None
