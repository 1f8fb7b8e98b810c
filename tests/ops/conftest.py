"""What tests of the operators' pages start from."""

from tests.people import alice, keys_dir, node, quick_passwords

__all__ = ["alice", "keys_dir", "node", "quick_passwords"]
