"""The developer's role on the Claude Agent SDK; an example of how any other coding agent is plugged in."""
