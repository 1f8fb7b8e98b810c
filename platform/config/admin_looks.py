"""Settings of the admin's looks. Colours are those of static/panel/panel.css."""

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

UNFOLD = {
    "SITE_TITLE": "Tickpack",
    "SITE_HEADER": "Tickpack",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_SYMBOL": "candlestick_chart",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("panel/favicon.svg")}],
    "STYLES": [lambda request: static("ops/admin.css")],
    "COLORS": {
        "primary": {
            "50": "#eef6f3",
            "100": "#d7ece6",
            "200": "#b0dbd1",
            "300": "#86dbd0",
            "400": "#5fcabc",
            "500": "#2aa093",
            "600": "#0b5c56",
            "700": "#084641",
            "800": "#083a36",
            "900": "#06302d",
            "950": "#06201d",
        },
    },
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "navigation": "ops.home.navigation"},
    "DASHBOARD_CALLBACK": "ops.home.dashboard",
}
