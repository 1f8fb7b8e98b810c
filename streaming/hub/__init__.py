"""The fan-out of one process: who follows what, frames encoded once, one write a connection and flush.

Runs on the event loop's thread and awaits nothing of a client. Other packages call the hub's methods and read what they
return; nobody outside writes a field of anything in here. What a price is, latest says; what a frame says, wire.
"""
