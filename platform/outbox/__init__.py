"""What must follow a commit, and what comes back: rows that are delivered at least once, reports that are read once.

What may happen here: keeping rows, delivering them by a transport, reading reports from a checkpoint. What may not: any
knowledge of what a row or a report means. Owners say that: they register each kind of row (`outbox.kinds`) and of
report (`outbox.report_kinds`) with a handler when their app is ready.
"""
