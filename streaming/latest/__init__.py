"""The only owner of newest prices and of bars that are being formed, market by market.

Pure state below the hub: windows and events come in, in their order, and questions of REST and of the hub are answered
from it. Knows no connection, no channel and no Redis.
"""
