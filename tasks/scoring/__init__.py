"""Predictions and labels into metrics, on the host, by code that no agent can edit."""
