"""Analysers that have never seen our code: written from the standards, and from nothing else.

Nothing here imports the gateway, the drivers or the lab API, not even a constant, so that a
misreading on one side cannot hide the same misreading on the other.
"""
