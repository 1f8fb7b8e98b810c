"""What is brought up to the present out of the 72 h window: replays for sockets, longer intervals for all.

Reads the window through the hub's cache and hands over to the hub at the very window that it has come to. Decides
nothing about access, and encodes nothing by itself.
"""
