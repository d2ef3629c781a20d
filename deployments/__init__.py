"""Start: the command line and, later, schedules, triggers and the web page."""
