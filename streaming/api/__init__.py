"""A node's HTTP side: node.py tells how the node is and what a customer uses; market.py answers with bars."""
