"""What tests of the operators' pages start from."""

from tests.people import alice, node, quick_passwords

__all__ = ["alice", "node", "quick_passwords"]
