"""Propose: text and facts in, a typed suggestion out; nothing here acts."""
