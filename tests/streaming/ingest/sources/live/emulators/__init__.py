"""Servers on loopback that speak a provider's published protocol, with the faults that a test chooses."""
