"""Tokens grouped into units: things that are meant, cues, numbers and single words, each with its place in the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.playbook.intent.data_words import DataWords, Meaning
from agents.playbook.intent.shares import amount_at
from agents.playbook.intent.spelling import resembles
from agents.playbook.intent.words import tokenise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.playbook.intent.words import Token

_LONGEST_PHRASE = 7
_STOPS = frozenset(".!?;")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One meaningful piece of a request."""

    norm: str
    """Normal forms of its words, joined by blanks."""
    text: str
    start: int
    end: int
    tags: frozenset[str] = frozenset()
    meaning: Meaning | None = None
    kind: str = ""
    """Kind of the concept: `finding`, `umbrella`, `artefact`, `attribute`, `modality`; empty if there is none."""
    number: float | None = None
    share: float | None = None
    concern: int = -1
    """Concern of the concept, 3 dangerous to 0 nothing found; -1 if there is none."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels of the data that it means."""
        return self.meaning.labels if self.meaning is not None else ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the attributes of the data that it means."""
        return self.meaning.attributes if self.meaning is not None else ()

    @property
    def is_thing(self) -> bool:
        """Say whether it names a finding, a label, an attribute or an artefact."""
        return self.meaning is not None and self.kind != "modality"

    @property
    def is_class(self) -> bool:
        """Say whether it can be a class: a label of the data, or a finding that the data may lack."""
        return self.meaning is not None and (bool(self.meaning.labels) or self.kind in {"finding", "umbrella"})

    @property
    def is_stop(self) -> bool:
        """Say whether a sentence ends here."""
        return self.norm in _STOPS or self.text.isspace() or self.text.startswith("\n")

    @property
    def is_sign(self) -> bool:
        """Say whether it is a sign and no word."""
        return not any(character.isalnum() for character in self.text)


def chunk(text: str, data: DataWords) -> tuple[Unit, ...]:
    """Return the units of a request: at each place the longest known phrase, else a number, else one word."""
    tokens = tokenise(text)
    units: list[Unit] = []
    at = 0
    while at < len(tokens):
        length, unit = _longest(text, tokens, at, data)
        units.append(unit)
        at += length
    return tuple(units)


def _longest(text: str, tokens: Sequence[Token], at: int, data: DataWords) -> tuple[int, Unit]:
    amount = amount_at(tokens, at)
    for length in range(min(_LONGEST_PHRASE, len(tokens) - at), 0, -1):
        if amount is not None and length <= amount.end - at and amount.share is not None:
            break
        piece = tuple(tokens[at : at + length])
        key = tuple(token.norm for token in piece)
        meaning = _meaning(piece, key, data)
        tags = data.lexicon.cues.get(key, frozenset())
        if meaning is None and tags and _cuts_a_label(tokens, at, length, data):
            continue
        if meaning is not None or tags:
            number = amount.number if amount is not None and amount.end - at == length else None
            return length, _unit(text, piece, data, meaning=meaning, tags=tags, number=number)
    if amount is not None:
        return amount.end - at, _unit(text, tokens[at : amount.end], data, number=amount.number, share=amount.share)
    return 1, _unit(text, tokens[at : at + 1], data, meaning=resembles(tokens[at], data))


def _cuts_a_label(tokens: Sequence[Token], at: int, length: int, data: DataWords) -> bool:
    """Say whether a cue such as 'or no' would take the first word of a label such as 'no tumour'."""
    for first in range(at + 1, at + length):
        for end in range(at + length + 1, min(first + _LONGEST_PHRASE, len(tokens)) + 1):
            meaning = data.table.get(tuple(token.norm for token in tokens[first:end]))
            if meaning is not None and meaning.labels:
                return True
    return False


def _meaning(piece: Sequence[Token], key: tuple[str, ...], data: DataWords) -> Meaning | None:
    meaning = data.table.get(key)
    if meaning is None or not meaning.concept:
        return meaning
    concept = data.lexicon.concepts[meaning.concept]
    is_code = key in concept.codes and key not in concept.words
    if is_code and not meaning.labels and not meaning.attributes and not piece[0].text.isupper():
        return None
    return meaning


def _unit(
    text: str,
    piece: Sequence[Token],
    data: DataWords,
    *,
    meaning: Meaning | None = None,
    tags: frozenset[str] = frozenset(),
    number: float | None = None,
    share: float | None = None,
) -> Unit:
    start, end = piece[0].start, piece[-1].end
    concept = data.lexicon.concepts.get(meaning.concept) if meaning is not None else None
    return Unit(
        norm=" ".join(token.norm for token in piece),
        text=text[start:end],
        start=start,
        end=end,
        tags=tags,
        meaning=meaning,
        kind=concept.kind if concept is not None else "",
        concern=concept.concern if concept is not None else -1,
        number=number,
        share=share,
    )
