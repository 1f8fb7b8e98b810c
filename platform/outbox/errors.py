"""The outbox's branch of the error tree.

PlatformError
    Malformed      UnreadableReport
    Unavailable    LinkAway
"""

from kernel.errors import Malformed, Unavailable


class UnreadableReport(Malformed):
    message = "This report cannot be read"
    code = "unreadable_report"


class LinkAway(Unavailable):
    message = "The Redis of a node group does not answer"
    code = "link_away"
