"""Rules of texts and announcements; no I/O, no framework."""
