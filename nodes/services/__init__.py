"""The nodes' verbs: states and polling of nodes, feeds, what is delivered to groups, what their processes report."""
