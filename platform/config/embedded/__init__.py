"""Real servers from wheels, for `./dev up` and the tests: no root, no Docker, nothing installed."""
