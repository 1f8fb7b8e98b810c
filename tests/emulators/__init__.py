"""Programs that play payment providers for tests and soaks: on loopback, with state of their own, at the edge of the wire.

What may happen here: what a provider does, faithfully or as an attacker would have it. What may not: importing a line of
what is tested, or its helpers: they share nothing with the shop but what is published.
"""
