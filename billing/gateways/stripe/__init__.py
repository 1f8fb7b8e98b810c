"""Stripe: cards, and what else Checkout offers, in CNY. By its own library, which is loaded when it is first used.

Its webhooks come in any order, twice, and for three days; each message is verified before it is read.
"""

from billing.gateways.stripe.gateway import create, missing

__all__ = ["create", "missing"]
