"""The outside verifier: a process of its own that believes only what the twins, git and a test run show it.

It gets URLs, a person's token and the seed, and imports nothing of the product, not even of the demo.
The product's word counts in one place: its ledger, told by `cogworks cost-report`, and the twin has to confirm it."""
