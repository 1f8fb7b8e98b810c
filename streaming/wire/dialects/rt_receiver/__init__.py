"""The newer HTTP node of seed 0, "rt-receiver": its WebSocket, its REST, and what providers push to it."""
