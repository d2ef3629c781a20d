"""The study as a person reads it."""
