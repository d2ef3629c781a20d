"""What the model may see beside the image: named in the request's own field, and weighed by what it tells alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from tasks.domain.spec import Grounding
from tasks.model_inputs import telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.playbook.intent.reading import Reading


def take_inputs(reading: Reading, inputs: Sequence[str]) -> None:
    """Ground the inputs, and ask about those from which alone a label can be guessed."""
    if not inputs:
        return
    reading.grounding.append(Grounding(field="inputs", source="request", words=f"inputs: {', '.join(inputs)}"))
    for item in telling(inputs, reading.profile):
        how = f"tells {quoting.plain(item.auc_label)} from the rest with an AUC of {item.auc:.2f} without any picture"
        name = quoting.code(item.name)
        reading.caveat(
            f"The model sees {name}, which alone {how}: a part of its result may be that, and not the image."
        )
        reading.ask(
            "inputs", f"{name} alone {how}. Is it known before the diagnosis, and is it so in your patients too? If not, take it out of "
            "`inputs`.", options=("yes, let the model see it", "no, take it out"), default="yes, let the model see it", kind="input",
        )  # fmt: skip
