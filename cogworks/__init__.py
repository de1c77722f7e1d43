"""CogWorks takes a labelled GitHub issue to reviewed pull requests.

Rooms look only downstairs; ``pyproject.toml`` states the order and the tests prove it.
Start reading at ``engine/turn.py``, the crank that everything hangs on."""
