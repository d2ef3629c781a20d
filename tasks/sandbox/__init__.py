"""Three ways to run a job away from what it was not given, behind one protocol."""
