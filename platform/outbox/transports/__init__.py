"""Ways by which rows of the outbox leave: Redis, mail, the task queue.

A transport is a message type and a function `deliver` that takes one; it may raise whatever it meets, and the row then
waits. What may not happen here: reading SQL, or knowing kinds of rows.
"""
