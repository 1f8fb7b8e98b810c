"""Where customers connect, and which feeds run there on which days."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.deconstruct import deconstructible
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kernel.instruments import LANES
from kernel.scope import LEVELS, MARKETS
from nodes.models import words
from nodes.models.calendars import CalendarHorizon as CalendarHorizon
from nodes.models.calendars import CalendarOverride as CalendarOverride
from nodes.models.instruments import Instrument as Instrument
from nodes.models.instruments import InstrumentList as InstrumentList
from nodes.models.licences import DataLicence as DataLicence
from nodes.models.licences import Provider as Provider
from nodes.models.proof import Delivered as Delivered
from nodes.models.proof import DeliveredMonth as DeliveredMonth
from nodes.models.proof import SymbolDay as SymbolDay
from nodes.models.proof import TakenReport as TakenReport
from nodes.models.proof import UsedHour as UsedHour
from nodes.models.rules import Rule
from nodes.models.words import WordField, shown


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


def in_language(usual: str, chinese: str) -> str:
    """Return a name in the reader's language; the usual one where there is no Chinese one."""
    return chinese if chinese and (get_language() or "").startswith("zh") else usual


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
    name_zh = models.CharField(
        _("name in Chinese"), max_length=80, blank=True, help_text=_("Left blank, it is the other one.")
    )
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
        return self.title

    @property
    def title(self) -> str:
        """Return the name in the reader's language."""
        return in_language(self.name, self.name_zh)


class Node(models.Model):
    """A server that holds client connections."""

    class State(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("a node", "active")
        DRAINING = "draining", _("draining")
        RETIRED = "retired", _("retired")

    class TokenKind(models.TextChoices):
        TICKPACK = "tickpack", _("Tickpack (EdDSA)")
        RT_RECEIVER = "rt_receiver", _("rt-receiver (RS256, nested scope)")

    slug = models.SlugField(_("slug"), max_length=40, unique=True, help_text=_("What the node calls itself: NODE_ID."))
    group = models.ForeignKey(
        NodeGroup, models.PROTECT, related_name="nodes", verbose_name=pgettext_lazy("of nodes", "group")
    )
    region = models.CharField(_("region"), max_length=60)
    region_zh = models.CharField(
        _("region in Chinese"), max_length=60, blank=True, help_text=_("Left blank, it is the other one.")
    )
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
            Rule(
                condition=models.Q(state__in=["active", "draining", "retired"]),
                told=_("This state is none of a node."),
                name="node_state_is_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} ({self.place})"

    @property
    def place(self) -> str:
        """Return the region in the reader's language."""
        return in_language(self.region, self.region_zh)

    @property
    def http_base(self) -> str:
        """Return where the node answers HTTP: what stands before the stream's own path, a proxy's path included."""
        parts = urlsplit(self.ws_url)
        before = next((parts.path.removesuffix(own) for own in STREAM_PATHS if parts.path.endswith(own)), "")
        return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, before, "", ""))


class ProcessHealth(models.Model):
    """What one process of a group last reported of itself; nobody but its report writes it."""

    group = models.ForeignKey(
        NodeGroup, models.PROTECT, related_name="processes", verbose_name=pgettext_lazy("of nodes", "group")
    )
    process = models.CharField(_("process"), max_length=100)
    node = models.CharField(_("node"), max_length=100)  # a name, since ingest and history belong to no node
    role = WordField(_("role"), max_length=10, words=words.ROLES)
    version = models.CharField(_("version"), max_length=40)
    clock_offset_ms = models.BigIntegerField(_("clock ahead, in ms"))
    sockets = models.PositiveIntegerField(_("sockets"))
    lag_ms = models.JSONField(_("lag, in ms"))
    markets = models.JSONField(_("markets"))
    feeds = models.JSONField(_("feeds"), default=dict, blank=True)
    rss_bytes = models.PositiveBigIntegerField(_("memory, in bytes"))
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        ordering = ["group__slug", "node", "role", "process"]
        constraints = [models.UniqueConstraint(fields=["group", "process"], name="one_row_a_process")]

    def __str__(self) -> str:
        return f"{self.node} {shown(self, 'role')} {self.process}"


class FeedSetting(models.Model):
    """Which feed a lane runs; raising `run` starts a replay again."""

    class Feed(models.TextChoices):
        SIMULATED = "simulated", _("simulated")
        REPLAY = "replay", _("replay of recorded files")
        LIVE = "live", _("live, by its lines")
        NONE = "none", _("none")

    lane = WordField(
        _("market"), max_length=8, unique=True, words=words.MARKET_NAMES, choices=[(lane, lane) for lane in LANES]
    )
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
    close_delay_ms = models.PositiveIntegerField(
        _("closing delay, in ms"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(10_000)],
        help_text=_(
            "How long a window stays open behind its end. Shorter tells bars earlier; what comes later still adds its "
            "volume, not its price. Left blank: 0 for the feed live, else what the ingest process was started with."
        ),
    )

    class Meta:
        verbose_name = _("feed setting")
        verbose_name_plural = _("feed settings")
        ordering = ["lane"]

    def __str__(self) -> str:
        return f"{shown(self, 'lane')}: {self.get_feed_display()}"

    def as_json(self) -> dict[str, Any]:
        """Return the form that ingest reads (kernel.keyspace.feed_setting)."""
        told = {"feed": self.feed, "data": self.data, "speed": self.speed, "seed": self.seed, "run": self.run}
        if self.close_delay_ms is not None:
            told["close_delay_ms"] = self.close_delay_ms
        return {**told, "lines": [line.as_json() for line in self.lines.all()]}


class MarketLine(models.Model):
    """One source of a live market. Several tell the same market; each trade counts once, whoever tells it first."""

    PUSH = "push"
    SOURCES = [(PUSH, _("what a program pushes over HTTP")), *Provider.choices]

    class Mode(models.TextChoices):
        AUTO = "auto", _("by its rank")
        PREFER = "prefer", _("leads while it is healthy")
        DRAIN = "drain", _("is listened to and does not count")

    setting = models.ForeignKey(FeedSetting, models.CASCADE, related_name="lines", verbose_name=_("feed setting"))
    name = models.CharField(
        _("name"),
        max_length=20,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", _("Lower-case letters, digits, - and _."))],
        help_text=_("As windows, metrics and the address of pushes name it: /api/v1/rt-kline/push?line=name"),
    )
    source = models.CharField(
        _("source"),
        max_length=12,
        choices=SOURCES,
        default=PUSH,
        help_text=_("A provider's data is sold only while it is licensed: see data licences."),
    )
    rank = models.PositiveSmallIntegerField(
        _("rank"), default=1, validators=[MinValueValidator(1)], help_text=_("1 leads before 2.")
    )
    weight = models.PositiveSmallIntegerField(
        _("weight"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("How much its word counts where lines contradict each other; of one rank, the heavier line leads."),
    )
    mode = models.CharField(_("mode"), max_length=8, choices=Mode, default=Mode.AUTO)

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        ordering = ["setting", "rank", "name"]
        constraints = [models.UniqueConstraint(fields=["setting", "name"], name="one_line_of_a_name")]

    def __str__(self) -> str:
        return f"{self.setting.get_lane_display()} {self.name}"

    def as_json(self) -> dict[str, Any]:
        """Return the form that ingest reads."""
        return {
            "name": self.name, "source": self.source, "rank": self.rank, "weight": self.weight, "mode": self.mode,
        }  # fmt: skip


class LineSwitch(models.Model):
    """Another line led a group's market from then on; nobody but its report writes it."""

    group = models.ForeignKey(
        NodeGroup, models.PROTECT, related_name="switches", verbose_name=pgettext_lazy("of nodes", "group")
    )
    lane = WordField(_("market"), max_length=8, words=words.MARKET_NAMES)
    at = models.DateTimeField(_("when"))
    before = models.CharField(_("before"), max_length=20, blank=True)
    after = models.CharField(pgettext_lazy("a line", "now"), max_length=20)
    reason = WordField(_("why"), max_length=20, words=words.SWITCHES)

    class Meta:
        verbose_name = _("switch of lines")
        verbose_name_plural = _("switches of lines")
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["group", "lane", "at", "after"], name="one_row_a_switch")]

    def __str__(self) -> str:
        return f"{shown(self, 'lane')} {self.at:%F %T}: {self.before} -> {self.after} ({shown(self, 'reason')})"
