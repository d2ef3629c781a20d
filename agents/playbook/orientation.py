"""What kind of pictures a study has, and which way up they are: read from the request's words and the names of the classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.domain.profile import Hazard
    from tasks.domain.spec import Spec

_SKIN = r"dermo|dermat|skin|\bmoles?\b|n[ae]?evus|na?evi\b|melanom"
"""Words of photographs of skin, lit by a lamp of unknown colour."""
_TURNABLE = (
    rf"{_SKIN}|patholog|histolog|cytolog|microscop|smear|biops|"
    r"endoscop|colonoscop|polyp"
)
"""Words of pictures that have no up, down, left or right: the camera could have been held in any way."""
_FILM = r"chest|thora|\bcxr\b|x-?ray|radiograph|\bfilms?\b|mammo"
"""Words of films, where a mirrored one shows another anatomy."""
_SIDED = r"\bleft|\bright|lateral|\bupper\b|\blower\b"
"""Words in a class's own name that a flip would make untrue."""
_UPRIGHT = r"heart|cardi|pneumo|\becg\b|\bekg\b|letter|digit|handwrit|\bct\b|\bmri?\b|abdom|fundus|retin|\beyes?\b"
"""Words of other pictures in which a mirrored one shows another anatomy, or another text."""


def orientation_of(spec: Spec, hazards: Iterable[Hazard] = ()) -> tuple[str, str]:
    """Return whether pictures may be turned (`any`), mirrored (`upright`) or neither (`fixed`), and the word for it.

    Where the investigation found that the side matters, no word of the request makes a mirror image safe.
    """
    if any(hazard.kind == "laterality" for hazard in hazards):
        return "fixed", "laterality"
    classes, words = _words_of(spec)
    fixed = re.search(_FILM, words) or re.search(_SIDED, classes)
    if fixed:
        return "fixed", fixed.group()
    turnable, upright = re.search(_TURNABLE, words), re.search(_UPRIGHT, words)
    if turnable:
        return "any", turnable.group()
    return ("fixed", upright.group()) if upright else ("upright", "")


def picture_of(spec: Spec) -> str:
    """Return `film` or `skin` where the words of the request or the labels say that the pictures are such, else nothing."""
    _, words = _words_of(spec)
    return "film" if re.search(_FILM, words) else "skin" if re.search(_SKIN, words) else ""


def _words_of(spec: Spec) -> tuple[str, str]:
    """Return the words of the classes, and these with the words of the request."""
    classes = " ".join(f"{item.name} {' '.join(item.labels)} {item.description}" for item in spec.classes)
    asked = " ".join(item.words for item in spec.grounding if item.source == "request")
    classes, words = (text.lower().replace("_", " ") for text in (classes, f"{classes} {asked}"))
    return classes, words
