"""The nodes' branch of the error tree.

PlatformError
    Refused        NodeNotOffered, LastNodeOfGroup, NoSuchGroup, CalendarChanged, NoticeLeavesGap, ListChanged
    Malformed      BadDeliveryQuery
    Unavailable    UnknownTransport
"""

from kernel.errors import Malformed, Refused, Unavailable


class NodeNotOffered(Refused):
    message = "This node cannot take this plan at present"
    code = "node_not_offered"


class LastNodeOfGroup(Refused):
    message = "This is its group's last node; its buyers would have nowhere to connect"
    code = "last_node_of_group"


class NoSuchGroup(Refused):
    message = "There is no such node group"
    code = "no_such_group"
    http_status = 404


class CalendarChanged(Refused):
    message = "Somebody has changed the calendar since the difference was shown; look at it again"
    code = "calendar_changed"


class NoticeLeavesGap(Refused):
    """Takes market, known (the last day that is), first and last of the period that the notice has all of."""

    message = "The notice is of a later time than what follows on the days that are known; bring the one before first"
    code = "notice_leaves_gap"


class ListChanged(Refused):
    message = "Somebody has changed the list of instruments since the difference was shown; look at it again"
    code = "instrument_list_changed"


class BadDeliveryQuery(Malformed):
    message = "These days cannot be asked for"
    code = "bad_delivery_query"


class UnknownTransport(Unavailable):
    message = "This version of the program does not have the transport by which this node group is reached"
    code = "unknown_transport"
