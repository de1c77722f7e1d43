"""Plugs: each translates one port to one outside party and decides nothing.

Adapters do not know each other, never retry on their own and raise only errors of our tree.
Only ``bootstrap`` names them, so any of them can be replaced alone."""
