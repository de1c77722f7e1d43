"""The matrix is a program of its own; what it shares with the journeys stands beside them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "journeys"))
