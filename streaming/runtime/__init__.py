"""What one streaming process has once: hub, readers, registries, its tasks, its ear for control messages.

Puts the parts together and keeps them running; the rules of each part stand in the part.
"""
