"""Folders and tables of any clinic, read into one manifest."""
