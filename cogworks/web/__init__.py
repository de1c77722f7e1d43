"""The door for machines and browsers: health, metrics, read-only views.

Requests become hints or reports; nothing is decided here.
It is apart from the command line because its callers are not to be trusted."""
