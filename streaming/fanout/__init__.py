"""One Redis reader per process -> one joined write per connection: see hub.py, and docs/adr/0005."""
