"""What the clinician is told and asked about attributes that the model may see beside the image; the same for both back ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from tasks.domain.spec import Grounding, Question
from tasks.model_inputs import telling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.domain.profile import Profile


def ground_of(inputs: Sequence[str]) -> Grounding:
    """Return what the inputs rest on: the request's own field for them."""
    return Grounding(field="inputs", source="request", words=f"inputs: {', '.join(inputs)}")


def doubts_about(inputs: Sequence[str], profile: Profile) -> Iterator[tuple[str, Question]]:
    """Yield a caveat and a question for each input from which alone a label can be guessed."""
    for item in telling(inputs, profile):
        how = f"tells {quoting.plain(item.auc_label)} from the rest with an AUC of {item.auc:.2f} without any picture"
        name = quoting.code(item.name)
        caveat = f"The model sees {name}, which alone {how}: a part of its result may be that, and not the image."
        question = Question(
            field="inputs",
            text=f"{name} alone {how}. Is it known before the diagnosis, and is it so in your patients too? If not, take it out of `inputs`.",
            options=("yes, let the model see it", "no, take it out"),
            default="yes, let the model see it",
            kind="input",
        )
        yield caveat, question
