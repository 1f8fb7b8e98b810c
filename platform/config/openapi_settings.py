"""How drf-spectacular describes the JSON addresses: SPECTACULAR_SETTINGS of config.settings."""

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Tickpack",
    "DESCRIPTION": "One feed, one token and one quota over HTTP: the shop, and the node in several languages.",
    "ENUM_NAME_OVERRIDES": {
        "PurchaseState": "billing.models.Purchase.State",
        "PurchaseKind": "billing.models.Purchase.Kind",
        "PrepaymentState": "billing.models.Prepayment.State",
        "GiftCodeState": "billing.models.GiftCode.State",
        "WantedKind": ["stack", "extend", "upgrade"],
        "OldWantedKind": ["stack", "extend"],
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.openapi.complete"],
}
