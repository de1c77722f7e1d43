"""A GitHub that fits on one machine: REST, git over HTTP, webhooks, people.

It knows GitHub's rules and nothing of CogWorks.
State lives in SQLite and bare repositories, so a restart loses nothing."""
