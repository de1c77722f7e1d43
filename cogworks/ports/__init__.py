"""Sockets: one Protocol per outside party, at most about ten verbs each.

Only model types cross a port, and no implementation lives here.
They exist so that the rooms above can be read without knowing any vendor."""
