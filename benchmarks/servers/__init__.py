"""The peers that are programs of their own."""
