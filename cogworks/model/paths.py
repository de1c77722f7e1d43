"""The one door to ``pathlib`` for pure rooms: paths as values, no disk behind them."""

from pathlib import PurePosixPath

__all__ = ["PurePosixPath"]
