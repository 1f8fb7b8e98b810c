"""What the data plane reads and writes in Redis, and the public keys it verifies tokens with."""
