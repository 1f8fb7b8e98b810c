"""The gateway for trying things out, as a provider would be: its protocol, its pay page, and the notices that it posts.

It takes no money. Everybody can pay with it, so it runs only where no real money is meant (config.checks).
"""

from billing.gateways.sandbox.gateway import create, missing

__all__ = ["create", "missing"]
