"""What only a person can tell about a study; the report never invents it, and prints NOT PROVIDED where it is missing.

Source: the human-only items of CLAIM 2024 (Radiol Artif Intell 2024;6(4):e240300), STARD-AI 2025 and TRIPOD+AI 2024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_PROVIDED = "NOT PROVIDED"

FIELDS: Mapping[str, str] = {
    "design": "Prospective or retrospective design",
    "setting": "Setting, centres and dates of the images",
    "ethics": "Ethics approval and consent",
    "selection": "How patients were selected (consecutive, random, convenience)",
    "reference_standard": "Reference standard: definition and rationale",
    "annotators": "Who annotated, their qualification, blinding, interval to the image",
    "inequalities": "Known health inequalities in this field",
    "intended_user": "Intended user, place in the pathway, clinical consequence",
    "funding": "Funding, conflicts of interest, registration",
    "sharing": "Data-sharing decision",
    "involvement": "Patient and public involvement",
    "external_data": "External data for testing",
}


def answers(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return (question, answer) for every field, in order; a missing or blank answer reads NOT PROVIDED.

    Raises:
        ValueError: An answer was given to a field that does not exist.
    """
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise ValueError(f"unknown intake fields: {', '.join(unknown)}; there are {', '.join(FIELDS)}")
    return tuple((words, given.get(key, "").strip() or NOT_PROVIDED) for key, words in FIELDS.items())
