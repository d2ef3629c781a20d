"""What the model may see beside the image: named in the request's own field, and weighed by what it tells alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.inputs import doubts_about, ground_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.playbook.intent.reading import Reading


def take_inputs(reading: Reading, inputs: Sequence[str]) -> None:
    """Ground the inputs, and ask about those from which alone a label can be guessed."""
    if not inputs:
        return
    reading.grounding.append(ground_of(inputs))
    for caveat, question in doubts_about(inputs, reading.profile):
        reading.caveat(caveat)
        if question not in reading.questions:
            reading.questions.append(question)
