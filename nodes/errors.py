"""The nodes' branch of the error tree.

PlatformError
    Refused        NodeNotOffered, LastNodeOfGroup
"""

from kernel.errors import Refused


class NodeNotOffered(Refused):
    message = "This node cannot take this plan at present"
    code = "node_not_offered"


class LastNodeOfGroup(Refused):
    message = "This is its group's last node; its buyers would have nowhere to connect"
    code = "last_node_of_group"
