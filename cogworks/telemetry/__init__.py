"""What operators see: logs on stderr, Prometheus figures, errors in Sentry.

Nothing here decides anything, and no failure of it reaches the work that it tells of.
It is apart so that the rooms below need not know who listens."""
