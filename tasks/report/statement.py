"""A sentence of the report with the record that it rests on: a sentence that rests on nothing is not printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """One plain sentence, and where a reader finds what it rests on."""

    text: str
    rests_on: str
    """Record and field, such as 'evaluation.json, metrics, auroc', or the form that a person filled in."""

    def __post_init__(self) -> None:
        if not self.text.strip() or not self.rests_on.strip():
            raise ValueError(f"a statement must say something and rest on something: {self!r}")
