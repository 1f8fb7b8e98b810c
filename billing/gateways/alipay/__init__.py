"""Alipay's open platform: its page, its page for phones, and QR codes; with public keys or with certificates.

signing.py and certificates.py are about keys, reading.py about what Alipay says, bills.py about its files; client.py
asks; gateway.py is the Gateway; setup.py makes it out of settings.
"""

from billing.gateways.alipay.setup import create, missing

__all__ = ["create", "missing"]
