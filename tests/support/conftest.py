"""What tests of questions start from."""

from tests.people import keys_dir, quick_passwords

__all__ = ["keys_dir", "quick_passwords"]
