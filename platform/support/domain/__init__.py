"""Mails that answer ours, taken apart: bytes in, a reply or nothing out. No database, no clock."""
