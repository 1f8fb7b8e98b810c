"""The client that comes with Tickpack: `tickpack watch` and `tickpack check`. Knows the wire, nothing of the server."""
