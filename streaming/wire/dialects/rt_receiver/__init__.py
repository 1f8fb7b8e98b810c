"""An rt-receiver node: its WebSocket, its REST, and what providers push to it."""
