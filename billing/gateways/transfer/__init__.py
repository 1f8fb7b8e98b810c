"""Payment by the buyer's bank: the page shows the account, and a person confirms what has come.

Nobody tells it over the network: there are no notices, no questions and no bill.
"""

from billing.gateways.transfer.gateway import create, missing

__all__ = ["create", "missing"]
