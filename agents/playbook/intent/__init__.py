"""How the playbook reads a request: words, things meant, and one small rule a file, over a lexicon kept as data."""
