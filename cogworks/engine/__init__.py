"""Decide (pure), perform (the only effects), recover, turn the crank.

No vendor, prompt or wire format belongs here.
It is the one place where the state of a run changes."""
