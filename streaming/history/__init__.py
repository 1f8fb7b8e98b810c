"""Minute bars: append batches, read ranges (ClickHouse, or its embedded form).

Imports nothing: the embedded server's process, which lives here too, needs neither Django nor a client.
"""
