"""The whole schedule of beat."""
