"""Which attributes a request may hand to the model beside the image: known ones, that no other wish of it forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.hazards.shortcuts import ASK_ABOVE_AUC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.domain.profile import Attribute, Profile
    from tasks.domain.spec import Spec

GIVES_AWAY = 0.98
"""AUC from which an attribute alone is the answer in other words: a model that sees it has nothing left to learn."""


def check_known(inputs: Sequence[str], profile: Profile) -> None:
    """Refuse inputs that the data do not have, or that are the answer itself.

    Raises:
        DataUnusable: An input is no attribute that was examined, or tells a label all but surely without any picture.
    """
    known = {item.name: item for item in profile.attributes}
    for name in inputs:
        if name not in known:
            there = (
                f"those that can be are: {', '.join(sorted(known))}" if known else "the data have none that could be"
            )
            raise DataUnusable(f"{name!r} is no attribute of the data that could be an input; {there}", field="inputs")
        if known[name].auc >= GIVES_AWAY:
            problem = (
                f"{name!r} tells {known[name].auc_label} from the rest with an AUC of {known[name].auc:.2f} without any picture: it is the answer in "
                "other words, so a model that sees it would learn nothing from the images; leave it out"
            )
            raise DataUnusable(problem, field="inputs")


def check_allowed(spec: Spec) -> None:
    """Refuse inputs that another wish of the request forbids.

    Raises:
        DataUnusable: An input is something that the model must not lean on, or that says where the held-out images come from.
    """
    for item in spec.confounders:
        for name in {item.name, item.column} & set(spec.inputs):
            problem = f"{name!r} is something that the model must not lean on{_words(spec, item.name)}; it cannot be an input as well"
            raise DataUnusable(problem, field="inputs")
    if spec.held_out in spec.inputs:
        problem = f"the test images come from a {spec.held_out} that training never sees, so {spec.held_out!r} cannot be an input"
        raise DataUnusable(problem, field="inputs")


def telling(inputs: Sequence[str], profile: Profile) -> list[Attribute]:
    """Return the inputs from which alone a label can be guessed: a result with them rests on them too."""
    chosen = [item for item in profile.attributes if item.name in inputs]
    return [item for item in chosen if item.auc > ASK_ABOVE_AUC or item.determined]


def _words(spec: Spec, confounder: str) -> str:
    cited = [ground for ground in spec.grounding if ground.field == f"confounders.{confounder}"]
    said = [ground.words for ground in cited if ground.source == "request"]
    return f" (you wrote “{said[0]}”)" if said else f" ({cited[0].words})" if cited else ""
