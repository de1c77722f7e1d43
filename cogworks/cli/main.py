"""Entry point of the command line."""


def main() -> None:
    """Run the command line and exit with its code."""
