"""All that knows uvicorn or websockets: protocol classes, the listening socket, leaving with a hint.

Their insides are touched here and nowhere else, and canaries (`tests/streaming/server`) tell when a new version of
either no longer takes our paths. Knows the wire's framing, and nothing of markets, quotas or Django's views.
"""
