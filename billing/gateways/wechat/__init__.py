"""WeChat Pay, version 3: QR codes, its page for phones (H5), and its script inside WeChat (JSAPI).

signing.py and certificates.py are about keys, reading.py about what WeChat says, bills.py about its files, identity.py
about who somebody is to WeChat; client.py asks; gateway.py is the Gateway; setup.py makes it out of settings.
"""

from billing.gateways.wechat.setup import create, missing

__all__ = ["create", "missing"]
