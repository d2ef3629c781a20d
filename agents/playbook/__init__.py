"""The roles without a key: rules, and published techniques as code edits."""
