"""Celery's hands: parse, call one function of cogworks, report.

Nothing is decided here and no argument holds more than ids.
``celery -A tasks`` finds the application in ``tasks.celery``."""
