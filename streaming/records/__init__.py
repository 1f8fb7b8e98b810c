"""What stands on Redis, as bytes with a version: windows with their events, and every instrument's newest values.

Packing, unpacking and the folding of one record into the next; pure. No command of Redis is named here (store does
that), and nothing that a client reads (wire does).
"""
