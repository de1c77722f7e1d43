"""The reference service for Python repositories: format, check, review rules, tests in a sandbox.

It is reached only over HTTP on a unix or TCP socket and holds no credential.
It never writes to the repository that it looks at."""
