"""What in the data endangers an honest result, each in a plain sentence with its numbers.

Severity: `block` stops a study, `ask` wants an answer of the clinician, `warn` and `report` are told. A sentence names
columns and labels, never a file, a row or a person: those stand in a hazard's examples, which no language model sees.
"""
