"""One client socket: its handshake, its consumer, and the runner of what its connection wants done.

Decisions are wire.connection's; this is where they meet quota, hub and replays. No market data passes through here but
a socket's own answers.
"""
