"""A Messages API that answers from a script and keeps honest accounts.

It knows the provider's rules and prices and nothing of CogWorks.
State lives in SQLite, so a restart loses nothing."""
