"""Providers of live market data as lines of a market: one runtime for all, and a small adapter for each.

`runner` runs an adapter in a thread of its own with a loop of its own, keeps it connected and hands what it says to the
market's thread through a bounded queue; `pacing` keeps every endpoint's limits; `polling` and `websocket` are the two
ways to ask. An adapter connects, reads and says ticks: it judges and folds nothing. What a provider's texts mean is
read by pure code (`streaming.wire.providers`, and the dialects' `upstream`). Credentials stand in headers and addresses
that nobody logs: sentences for the operator are made here and never quote an address, a header or an exception's text.
"""
