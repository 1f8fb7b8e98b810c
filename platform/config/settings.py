"""The one settings file. Every value comes from the environment; docs/configuration.md lists them all."""

from pathlib import Path
from secrets import token_urlsafe

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import store_urls
from config.admin_looks import UNFOLD  # noqa: F401
from config.databases import connection_options
from config.doors import *  # noqa: F403  # codes to phones, WeChat, and the limits of all doors
from config.env import env_bool, env_choice, env_float, env_int, env_list, env_networks, env_secret, env_text
from config.openapi_settings import SPECTACULAR_SETTINGS  # noqa: F401
from config.providers import providers
from config.shop import *  # noqa: F403  # who sells, and what prepaid money, codes and invitations are
from config.store_urls import broker_tls, env_store
from kernel.origins import panel_origins

BASE_DIR = Path(__file__).resolve().parents[2]

# -- what this process is ----------------------------------------------------------------------------------------
DEBUG = env_bool("DEBUG")
EMBEDDED = env_bool("TICKPACK_EMBEDDED")  # set by ./dev up: demo data, sandbox gateway, loopback only
ROLE = env_choice("TICKPACK_ROLE", ("all", "panel", "node", "worker"), "all")
NODE_ID = env_text("NODE_ID", "local-1")
NODE_GROUP = env_text("NODE_GROUP", "local")  # the audience of the tokens this node takes
VAR_DIR = Path(env_text("TICKPACK_VAR", str(BASE_DIR / "var")))

# -- Django ------------------------------------------------------------------------------------------------------
SECRET_KEY = env_secret("SECRET_KEY")
if not SECRET_KEY:
    if ROLE in ("node", "worker"):
        SECRET_KEY = token_urlsafe(50)  # they sign nothing that anybody else reads
    elif not (DEBUG or EMBEDDED):
        raise ImproperlyConfigured("SECRET_KEY is not set; set SECRET_KEY or SECRET_KEY_FILE to 50 random characters.")
    else:
        SECRET_KEY = "only-for-a-run-on-this-machine-" + "x" * 32
elif not (DEBUG or EMBEDDED) and (len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5):
    # Whoever guesses it signs sessions and password links; its value stands in no message.
    raise ImproperlyConfigured(
        f"SECRET_KEY has {len(SECRET_KEY)} characters, {len(set(SECRET_KEY))} different ones; it needs 50 random ones."
    )
SECRET_KEY_FALLBACKS = [key for key in (env_secret("SECRET_KEY_PREVIOUS"),) if key]
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG or EMBEDDED else "")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
PANEL_URL = env_text("PANEL_URL", "http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "csp",
    "config",
    "outbox",
    "accounts",
    "accounts.weixin",
    "nodes",
    "billing",
    "support",
    "content",
    "panel",
    "ops",
    "streaming",
]
MIDDLEWARE = [
    "config.middleware.RequestId",
    "config.middleware.NoNulBytes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "panel.middleware.AdminPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.StaffSecondFactor",
    "accounts.middleware.SeenBrowsers",
]
ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "config.failures.form_expired"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "panel.pages.site.site",
            ]
        },
    }
]

# -- stores ------------------------------------------------------------------------------------------------------
DATABASES = {
    "default": dj_database_url.parse(
        env_store("DATABASE_URL", f"sqlite:///{VAR_DIR / 'panel.sqlite3'}", schemes=store_urls.SQL),
        conn_max_age=0,
        conn_health_checks=True,
    )
}
# Pages that work at once in a process, each with a thread and a connection; see config.admission.
PAGES_AT_ONCE = env_int("TICKPACK_PAGES_AT_ONCE", 16)
DATABASE_APPLICATION_ROLE = env_text("DATABASE_APPLICATION_ROLE")  # whom manage.py prepare_database gives rights
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction takes its write lock at once instead of failing in the middle.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # Behind a PgBouncer in transaction mode each transaction has another session.
    PGBOUNCER = env_bool("DATABASE_PGBOUNCER")
    DATABASES["default"]["OPTIONS"] = connection_options(PAGES_AT_ONCE, behind_pgbouncer=PGBOUNCER)
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = PGBOUNCER
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env_store(
    "REDIS_URL", "redis://127.0.0.1:6379/0", schemes=store_urls.REDIS
)  # the data Redis, shared by a group's nodes
CLICKHOUSE_CLUSTER = env_text("CLICKHOUSE_CLUSTER")  # by name, its tables are replicated; empty: one server
CLICKHOUSE_URL = env_store("CLICKHOUSE_URL", "http://127.0.0.1:8123/default", schemes=store_urls.CLICKHOUSE)
CELERY_BROKER_URL = env_store("CELERY_BROKER_URL", "redis://127.0.0.1:6379/1", schemes=store_urls.BROKER)
# Celery prefers the environment's CELERY_BROKER_URL to ours, and that one has no password in it; to these it does not.
CELERY_BROKER_READ_URL = CELERY_BROKER_WRITE_URL = CELERY_BROKER_URL
if CELERY_BROKER_URL.startswith("rediss:"):
    # Celery's own default is to ask for no certificate at all. `?ssl_ca_certs=FILE` names an authority of one's own.
    CELERY_BROKER_USE_SSL = broker_tls(CELERY_BROKER_URL)
# Limits of logins and mails count here, for all processes together.
CACHES = {"default": {"BACKEND": "config.shared_cache.SharedCache", "LOCATION": CELERY_BROKER_URL}}
CHANNEL_LAYERS = {
    # Control messages only; the pub/sub layer, because redis-py 8's timeouts break the core layer.
    "default": {
        "BACKEND": "streaming.store.control.ControlLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "tickpack"},
    }
}

# -- people ------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Customer"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.adapters.DifferentCharacters"},
]
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # strangers could have us write to anybody
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Tickpack] "
# On one machine nobody reads the mail, so an unverified address may buy; a real shop asks for the click first.
ACCOUNT_EMAIL_VERIFICATION = env_choice(
    "EMAIL_VERIFICATION", ("none", "optional", "mandatory"), "optional" if DEBUG or EMBEDDED else "mandatory"
)
# Codes are guessed as passwords are: five wrong ones of a person in five minutes (login_failed above).
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Tickpack"
MFA_ADAPTER = "accounts.second_factors.SecondFactorAdapter"
STAFF_MFA = env_bool("STAFF_MFA", not (DEBUG or EMBEDDED))  # the admin opens to staff with a second factor alone
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
EMAIL_BACKEND = env_text(
    "EMAIL_BACKEND",
    "django.core.mail.backends.filebased.EmailBackend" if EMBEDDED else "django.core.mail.backends.smtp.EmailBackend",
)
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_HOST = env_text("EMAIL_HOST", "localhost")
EMAIL_PORT = env_int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env_text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env_secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS")
DEFAULT_FROM_EMAIL = env_text("DEFAULT_FROM_EMAIL", "Tickpack <no-reply@localhost>")
REPLY_TO_EMAIL = env_text("REPLY_TO_EMAIL")  # where answers of customers go; empty: to DEFAULT_FROM_EMAIL
BOUNCE_EMAIL = env_text("BOUNCE_EMAIL")  # the sender by SMTP: what cannot be delivered comes back there (read_bounces)

# -- languages and time ------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True
# Both planes know the same days; the control plane imports nothing of the data plane, but is told where they stand.
PUBLISHED_DAYS = "streaming.reference.published_days"
COMMITTED_INSTRUMENTS = "streaming.reference.instruments.committed_rows"
TIME_ZONE = "Asia/Shanghai"  # a month of a plan is a calendar month there

# -- static files and security -----------------------------------------------------------------------------------
STATIC_URL = "/static/"
# Embedded, nothing is collected: whitenoise would warn of the missing folder at each start.
STATIC_ROOT = None if EMBEDDED else Path(env_text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG or EMBEDDED  # no collectstatic on a developer's machine
if not (DEBUG or EMBEDDED):
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "config.static_storage.HashedStorage"},
    }
HTTPS = env_bool("HTTPS", not (DEBUG or EMBEDDED))
# Whose X-Forwarded-For and X-Forwarded-Proto are believed; the server puts them into the request (streaming.server).
TRUSTED_PROXIES = env_networks("TRUSTED_PROXIES")
if env_bool("BEHIND_PROXY"):
    raise ImproperlyConfigured(
        "BEHIND_PROXY is no setting any more; set TRUSTED_PROXIES to the proxy's address or network, like 10.0.0.2."
    )
SECURE_SSL_REDIRECT = env_bool("SSL_REDIRECT", HTTPS)
# The load balancer, the poller and nodes that fetch public keys ask over plain HTTP inside the deployment.
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^healthz$", r"^readyz$", r"^metrics$", r"^\.well-known/jwks\.json$"]
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
# The panel's scripts talk to nodes on other hosts: sockets and the usage call.
NODE_ORIGINS = env_list("NODE_ORIGINS", "ws: http:" if DEBUG or EMBEDDED else "wss: https:")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, *" ".join(NODE_ORIGINS).split()],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "object-src": [NONE],
    }
}

# -- tokens ------------------------------------------------------------------------------------------------------
TOKEN_ISSUER = env_text("TOKEN_ISSUER", "tickpack")
TOKEN_KEYS_DIR = env_text("TOKEN_KEYS_DIR", str(VAR_DIR / "keys"))  # private keys: control plane only
TOKEN_JWKS = env_text("TOKEN_JWKS", str(VAR_DIR / "keys" / "jwks.json"))  # what nodes verify with: a path or a URL

# -- money -------------------------------------------------------------------------------------------------------
# Several at once, in the order in which buyers see them. PAYMENT_GATEWAY is the name from when there was one.
PAYMENT_GATEWAYS = [
    name
    for name in env_list("PAYMENT_GATEWAYS", env_text("PAYMENT_GATEWAY", "sandbox" if DEBUG or EMBEDDED else "none"))
    if name != "none"
]
ONE_PERSON_SHOP = env_bool("ONE_PERSON_SHOP", EMBEDDED)  # refunds and transfers need no second signature
PLAN_RENEWABLE_DAYS = env_int("PLAN_RENEWABLE_DAYS", 90)  # how long terms can be extended after they were changed
STRIPE_SECRET_KEY = env_secret("STRIPE_SECRET_KEY")
STRIPE_WEBHOOK_SECRETS = env_list("STRIPE_WEBHOOK_SECRETS", env_secret("STRIPE_WEBHOOK_SECRET"))
STRIPE_URL = env_text("STRIPE_URL")  # of another address than Stripe's own, for trying out
TRANSFER_ACCOUNT_NAME = env_text("TRANSFER_ACCOUNT_NAME")
TRANSFER_ACCOUNT_NUMBER = env_text("TRANSFER_ACCOUNT_NUMBER")
TRANSFER_BANK = env_text("TRANSFER_BANK")
ALIPAY_APP_ID = env_text("ALIPAY_APP_ID")
ALIPAY_SELLER_ID = env_text("ALIPAY_SELLER_ID")  # 2088...
ALIPAY_PRIVATE_KEY = env_secret("ALIPAY_PRIVATE_KEY")  # the application's
ALIPAY_PUBLIC_KEY = env_secret("ALIPAY_PUBLIC_KEY")  # Alipay's own; or the three certificates
ALIPAY_CERTIFICATE = env_secret("ALIPAY_CERTIFICATE")
ALIPAY_APP_CERTIFICATE = env_secret("ALIPAY_APP_CERTIFICATE")
ALIPAY_ROOT_CERTIFICATE = env_secret("ALIPAY_ROOT_CERTIFICATE")
ALIPAY_APP_CERT_SN = env_text("ALIPAY_APP_CERT_SN")
ALIPAY_ROOT_CERT_SN = env_text("ALIPAY_ROOT_CERT_SN")
ALIPAY_METHODS = env_list("ALIPAY_METHODS", "qr,page,wap")  # what the contract has
ALIPAY_QR_PRODUCT = env_choice("ALIPAY_QR_PRODUCT", ("FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE"), "FACE_TO_FACE_PAYMENT")
ALIPAY_URL = env_text("ALIPAY_URL", "https://openapi.alipay.com/gateway.do")
WECHAT_MCH_ID = env_text("WECHAT_MCH_ID")
WECHAT_APP_ID = env_text("WECHAT_APP_ID")
WECHAT_SERIAL = env_text("WECHAT_SERIAL")  # of the merchant's certificate
WECHAT_PRIVATE_KEY = env_secret("WECHAT_PRIVATE_KEY")
WECHAT_API_V3_KEY = env_secret("WECHAT_API_V3_KEY")
WECHAT_PUBLIC_KEYS = env_list("WECHAT_PUBLIC_KEYS")  # id=file; platform certificates are fetched beside them
WECHAT_APP_SECRET = env_secret("WECHAT_APP_SECRET")  # of the official account: who a buyer inside WeChat is
WECHAT_METHODS = env_list("WECHAT_METHODS", "native,h5,jsapi")
WECHAT_URL = env_text("WECHAT_URL", "https://api.mch.weixin.qq.com").rstrip("/")
WECHAT_OPEN_URL = env_text("WECHAT_OPEN_URL", "https://open.weixin.qq.com").rstrip("/")
WECHAT_API_URL = env_text("WECHAT_API_URL", "https://api.weixin.qq.com").rstrip("/")
SANDBOX_KEY = env_secret("SANDBOX_KEY", "sandbox-only-for-a-run-on-this-machine" if DEBUG or EMBEDDED else "")

# -- work in the background --------------------------------------------------------------------------------------
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # ingest is guarded by its lease, the outbox by its rows
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# -- market data -------------------------------------------------------------------------------------------------
_FEEDS = ("simulated", "replay", "live", "push", "none")  # push is an older name of live
FEED = env_choice("TICKPACK_FEED", _FEEDS, "simulated" if DEBUG or EMBEDDED else "none")
REPLAY_DATA = env_text("TICKPACK_REPLAY_DATA")
REPLAY_SPEED = env_text("TICKPACK_REPLAY_SPEED", "1")  # a number, or max
REPLAY_FROM = env_text("TICKPACK_REPLAY_FROM", "09:29:50")  # what was recorded before it is played at once
REPLAY_WAIT_SECONDS = env_float("TICKPACK_REPLAY_WAIT_SECONDS", 60.0)  # for the first follower; not at speed max
REPLAY_RUN = env_int("TICKPACK_REPLAY_RUN", 0)  # raised by each ./dev up: a new run starts the recording again
# Touched every two seconds while markets are written: what the supervisor and the container's health look at.
INGEST_ALIVE_FILE = env_text("TICKPACK_INGEST_ALIVE_FILE", str(VAR_DIR / "ingest.alive"))
PUSH_TOKEN = env_secret("TICKPACK_PUSH_TOKEN")  # of who may push for the feed `live`; without one nobody may
EVENTS_MINUTES = max(1, env_int("TICKPACK_EVENTS_MINUTES", 60))  # of trades, quotes and depth, for who resumes
METRICS_TOKEN = env_secret("TICKPACK_METRICS_TOKEN")  # of who may read /metrics and /stats from anywhere
METRICS_FROM = env_networks("TICKPACK_METRICS_FROM")  # who may without it, beside the machine itself
POLICY_TOKEN = env_secret("TICKPACK_POLICY_TOKEN")  # of who may apply policies; without one nobody may
PROVIDERS = providers()  # of live data, for lines that operators choose in the admin; none is asked before that
CLOSE_DELAY_SECONDS = env_float("TICKPACK_CLOSE_DELAY_SECONDS", 0.5)  # a live window closes this long after its end
SIMULATED_SEED = env_int("TICKPACK_SIMULATED_SEED", 7)
STREAM_HOURS = env_int("TICKPACK_STREAM_HOURS", 72)
DELIVERY_SECONDS = max(1.0, env_float("TICKPACK_DELIVERY_SECONDS", 60.0))  # between a node's reports of what it sent
DELIVERY_DAYS = max(1, env_int("TICKPACK_DELIVERY_DAYS", 400))  # for how long a customer can read them
SYMBOL_DAYS = max(1, env_int("TICKPACK_SYMBOL_DAYS", 90))  # for how long operators can read what ingest counted
STREAM_ORIGINS = frozenset(env_list("TICKPACK_STREAM_ORIGINS", "*"))  # whose pages may open a socket; * is everybody's
# Where the panel's own pages come from: their tokens work for nobody else's (docs/adr/0030).
VIEWER_ORIGINS = panel_origins([PANEL_URL, *CSRF_TRUSTED_ORIGINS, *env_list("VIEWER_ORIGINS")])
STREAM_DEFLATE = env_bool("TICKPACK_STREAM_DEFLATE")  # offer permessage-deflate; frames are compressed once for all
WORKERS = env_int("TICKPACK_WORKERS", 1)  # processes of `manage.py serve` on one port
DRAIN_SECONDS = env_float("TICKPACK_DRAIN_SECONDS", 20.0)  # over which an operator's drain spreads its clients' leaving

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "EXCEPTION_HANDLER": "config.api_errors.handle",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "config.logs.Line", "format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "json": {"()": "config.logs.JsonLine"},
    },
    "filters": {"brief": {"()": "config.logs.Brief"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["brief"],
            "formatter": env_choice("TICKPACK_LOG_FORMAT", ("text", "json"), "text"),
        }
    },
    "root": {"handlers": ["console"], "level": env_text("LOG_LEVEL", "INFO")},
    # One line a request would put tokens of query-string dialects into a log.
    # Celery says two lines for each of the eight offers a second that beat makes.
    "loggers": {
        "uvicorn.access": {"level": "CRITICAL"},
        **{
            name: {"level": "WARNING"}
            for name in (
                "httpx",
                "httpcore",
                "stripe",
                "fontTools",
                "fpdf",
                "celery.worker.strategy",
                "celery.app.trace",
                "celery.beat",
            )
        },
    },
}
