"""The playbook's techniques, one a file."""
