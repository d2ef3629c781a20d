"""Claude plays the three roles, over the Anthropic Messages API; needs a key."""
