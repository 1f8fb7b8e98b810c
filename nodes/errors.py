"""The nodes' branch of the error tree.

PlatformError
    Refused        NodeNotOffered, LastNodeOfGroup, NoSuchGroup
    Unavailable    UnknownTransport
"""

from kernel.errors import Refused, Unavailable


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


class UnknownTransport(Unavailable):
    message = "This version of the program does not have the transport by which this node group is reached"
    code = "unknown_transport"
