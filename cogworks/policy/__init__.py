"""Judgements: (facts, rules) to decision, one file a question.

No policy logs, waits, asks the clock or changes anything.
They are apart so that every rule can be read, tested and argued about alone."""
