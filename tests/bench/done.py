"""The list in Redis to which workers push a word when what is measured has ended."""

DONE = "bench:done"
