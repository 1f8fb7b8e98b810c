from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NodesConfig(AppConfig):
    name = "nodes"
    verbose_name = _("Nodes")

    def ready(self) -> None:
        from accounts.services import personal
        from nodes import announcements as say
        from nodes.services import deliveries, health, proof, restating, switches
        from outbox import kinds, report_kinds, restated
        from outbox.transports import redis

        for name, label, prepare in (
            (say.ENTITLEMENT, _("entitlement"), deliveries.entitlement),
            (say.REVOCATION, _("revocation"), deliveries.revocation),
            (say.DRAIN, _("drain order"), deliveries.drain),
            (say.FEED_SETTING, _("feed setting"), deliveries.feed_setting),
            (say.CALENDAR_OVERRIDE, _("calendar override"), deliveries.calendar_override),
            (say.CALENDAR_HORIZON, _("known trading days"), deliveries.calendar_horizon),
            (say.INSTRUMENTS, _("list of instruments"), deliveries.instruments),
        ):
            kinds.register(name, label=label, prepare=prepare, transport=redis.deliver)
        restated.register(say.DRAIN, pieces=restating.drains)
        restated.register(say.FEED_SETTING, pieces=restating.feed_settings)
        restated.register(say.CALENDAR_OVERRIDE, pieces=restating.calendar_overrides)
        restated.register(say.CALENDAR_HORIZON, pieces=restating.calendar_horizons)
        restated.register(say.INSTRUMENTS, pieces=restating.instruments)
        personal.register("nodes", personal.Part(tables=proof.tables, forget=proof.forget))
        report_kinds.register("health", handler=health.record_health)
        report_kinds.register("line_switch", handler=switches.record_switch)
        report_kinds.register("delivery", handler=proof.record_delivery)
        report_kinds.register("symbol_days", handler=proof.record_symbol_days)
