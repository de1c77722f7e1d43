"""Receipts in whole cents."""
