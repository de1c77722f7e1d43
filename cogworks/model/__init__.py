"""The words: frozen values, identifiers and the error tree.

Nothing here reads a clock, a disk or a network, and nothing here decides.
Every other room speaks these words, so a change here is a change of language."""
