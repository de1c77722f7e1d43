"""Figures that say what CogWorks costs, each against its plain counterpart in the same session.

``python -m tests.bench`` prints one table and writes ``bench.json``.
Nothing here judges: what is too slow is for people to say."""
