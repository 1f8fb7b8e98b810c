"""Where customers connect, and which feeds run there on which days."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _

from kernel.instruments import LANES
from kernel.scope import LEVELS, MARKETS


@deconstructible
class WordList:
    """Refuses a JSON value that is not a list of known words, each at most once and at least one."""

    def __init__(self, *known: str) -> None:
        self.known = known

    def __call__(self, value: Any) -> None:
        words = value if isinstance(value, list) else []
        if not words or len(set(words)) != len(words) or not set(words) <= set(self.known):
            raise ValidationError(_("Choose one or more of %(known)s.") % {"known": ", ".join(self.known)})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WordList) and other.known == self.known

    def __hash__(self) -> int:
        return hash(self.known)


STREAM_PATHS = ("/ws/stock", "/ws")  # where a node's own stream stands below its base: ours, an rt-receiver's


def all_markets() -> list[str]:
    return list(MARKETS)


def first_level() -> list[str]:
    return ["L1"]


class NodeGroup(models.Model):
    """Nodes that share a data Redis, and so quota and tokens; the audience of a token."""

    class Transport(models.TextChoices):
        REDIS = "redis", _("directly")

    slug = models.SlugField(_("slug"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    transport = models.CharField(_("how it is reached"), max_length=10, choices=Transport, default=Transport.REDIS)
    address = models.CharField(
        _("Redis of the group"),
        max_length=300,
        blank=True,
        help_text=_("Like redis://:password@host:6379/0; left blank, it is the one that the panel itself uses."),
        validators=[RegexValidator(r"^(rediss?|unix)://\S+$", _("Write it like redis://:password@host:6379/0"))],
    )

    class Meta:
        verbose_name = _("node group")
        verbose_name_plural = _("node groups")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class Node(models.Model):
    """A server that holds client connections."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        DRAINING = "draining", _("draining")
        RETIRED = "retired", _("retired")

    class TokenKind(models.TextChoices):
        TICKPACK = "tickpack", _("Tickpack (EdDSA)")
        RT_RECEIVER = "rt_receiver", _("rt-receiver (RS256, nested scope)")

    slug = models.SlugField(_("slug"), max_length=40, unique=True, help_text=_("What the node calls itself: NODE_ID."))
    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="nodes", verbose_name=_("group"))
    region = models.CharField(_("region"), max_length=60)
    ws_url = models.CharField(
        _("WebSocket URL"),
        max_length=200,
        validators=[
            RegexValidator(r"^wss?://[^\s/?#@]+/[^\s?#]*$", _("Write it like wss://node.example:8443/ws/stock"))
        ],
    )
    health_url = models.CharField(
        _("health URL"),
        max_length=200,
        help_text=_("What the poller asks; may be an address inside the deployment."),
        validators=[RegexValidator(r"^https?://[^\s/?#@]+/[^\s#]*$", _("Write it like https://node.example/healthz"))],
    )
    markets = models.JSONField(_("markets"), default=all_markets, validators=[WordList(*MARKETS)])
    levels = models.JSONField(_("levels"), default=first_level, validators=[WordList(*LEVELS)])
    realtime = models.BooleanField(_("real-time stock data"), default=True)
    token_kind = models.CharField(
        _("tokens"),
        max_length=12,
        choices=TokenKind,
        default=TokenKind.TICKPACK,
        help_text=_("One rt-receiver in a group makes all of its tokens of that kind; our own nodes take both."),
    )
    capacity = models.PositiveIntegerField(_("capacity"), default=1000, help_text=_("Sockets that may be sold."))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    connections = models.PositiveIntegerField(_("connections"), default=0)
    # What the node says of itself, beside what the admin says of it: both must be true for it to be offered.
    reports_realtime = models.BooleanField(_("reports real-time data"), default=True)

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        ordering = ["group__slug", "slug"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "draining", "retired"]), name="node_state_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} ({self.region})"

    @property
    def http_base(self) -> str:
        """Return where the node answers HTTP: what stands before the stream's own path, a proxy's path included."""
        parts = urlsplit(self.ws_url)
        before = next((parts.path.removesuffix(own) for own in STREAM_PATHS if parts.path.endswith(own)), "")
        return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, before, "", ""))


class ProcessHealth(models.Model):
    """What one process of a group last reported of itself; nobody but its report writes it."""

    group = models.ForeignKey(NodeGroup, models.PROTECT, related_name="processes", verbose_name=_("group"))
    process = models.CharField(_("process"), max_length=100)
    node = models.CharField(_("node"), max_length=100)  # a name, since ingest and history belong to no node
    role = models.CharField(_("role"), max_length=10)
    version = models.CharField(_("version"), max_length=40)
    clock_offset_ms = models.BigIntegerField(_("clock ahead, in ms"))
    sockets = models.PositiveIntegerField(_("sockets"))
    lag_ms = models.JSONField(_("lag, in ms"))
    markets = models.JSONField(_("markets"))
    rss_bytes = models.PositiveBigIntegerField(_("memory, in bytes"))
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        ordering = ["group__slug", "node", "role", "process"]
        constraints = [models.UniqueConstraint(fields=["group", "process"], name="one_row_a_process")]

    def __str__(self) -> str:
        return f"{self.node} {self.role} {self.process}"


class FeedSetting(models.Model):
    """Which feed a lane runs; raising `run` starts a replay again."""

    class Feed(models.TextChoices):
        SIMULATED = "simulated", _("simulated")
        REPLAY = "replay", _("replay of recorded files")
        PUSH = "push", _("what providers push over HTTP")
        NONE = "none", _("none")

    lane = models.CharField(_("market"), max_length=8, unique=True, choices=[(lane, lane) for lane in LANES])
    feed = models.CharField(_("feed"), max_length=12, choices=Feed)
    data = models.CharField(_("replay directory"), max_length=300, blank=True)
    speed = models.CharField(
        _("replay speed"),
        max_length=8,
        default="1",
        validators=[RegexValidator(r"^(max|[0-9]{1,5}(\.[0-9]{1,2})?)$", _("A number, or max."))],
    )
    seed = models.PositiveIntegerField(_("simulation seed"), default=7)
    run = models.PositiveIntegerField(_("run"), default=1)

    class Meta:
        verbose_name = _("feed setting")
        verbose_name_plural = _("feed settings")
        ordering = ["lane"]

    def __str__(self) -> str:
        return f"{self.lane}: {self.feed}"

    def as_json(self) -> dict[str, Any]:
        """Return the form that ingest reads (kernel.keyspace.feed_setting)."""
        return {"feed": self.feed, "data": self.data, "speed": self.speed, "seed": self.seed, "run": self.run}


class CalendarOverride(models.Model):
    """A trading day that an operator has changed."""

    class Kind(models.TextChoices):
        CLOSED = "closed", _("closed")
        FULL = "full", _("full day")
        HALF = "half", _("half day")

    lane = models.CharField(_("market"), max_length=8, choices=[(market, market) for market in MARKETS])
    day_on = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("calendar override")
        verbose_name_plural = _("calendar overrides")
        ordering = ["-day_on", "lane"]
        constraints = [models.UniqueConstraint(fields=["lane", "day_on"], name="one_override_a_day")]

    def __str__(self) -> str:
        return f"{self.lane} {self.day_on}: {self.kind}"
