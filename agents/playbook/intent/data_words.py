"""What the words of the data mean: its labels and attributes, tied to the lexicon. Text of the data is matched, never obeyed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agents.playbook.intent.words import phrase
from tasks.domain.manifest import BOXES, IMAGE_LABEL, MASK, absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agents.playbook.intent.lexicon import Lexicon
    from tasks.domain.profile import Profile

_PRESENT = {phrase(word) for word in ("yes", "positive", "present", "true", "pos", "case", "y", "affected", "diseased")}
_ABSENT = {
    phrase(word) for word in ("no", "negative", "absent", "false", "neg", "control", "none", "n", "unaffected", "n/a")
}
_OTHER = {phrase(word) for word in ("other", "others", "rest", "unk", "unknown", "misc")}
_NEGATORS = {phrase(word)[0] for word in ("no", "non", "not", "without", "negative", "absent", "free")}
_GENERIC_COLUMNS = {phrase(word) for word in ("label", "class", "target", "diagnosis", "dx", "y", "category", "outcome", "finding", "result")}  # fmt: skip
_ORDINARY = {phrase(word)[0] for word in ["a", "an", "and", "any", "are", "as", "at", "be", "by", "do", "for", "from", "have", "he", "i", "in", "is", "it", "me", "my", "no", "not", "of", "on", "one", "or", "our", "so", "the", "to", "up", "us", "we", "yes"]}  # fmt: skip
_ANY = {phrase(word) for word in ("any", "overall", "any finding", "any disease", "any abnormality")}
_MANY_NUMBERS = 12
"""Distinct numbers from which on a label is a measurement and no code."""
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
"""Where words are written as one: 'ActiveTuberculosis'."""
_OPAQUE = re.compile(r"-?\d+(\.\d+)?|[a-z]|(class|label|grade|cat|category|type|c|g|l)[ _-]?\d+", re.IGNORECASE)

_OTHER_HEADS = frozenset(phrase("date time hour count visit note")) - {""}
"""A column that ends on one of these is about that, and not about what it names first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLabel:
    """One label of the data and what it says."""

    label: str
    images: int
    words: tuple[str, ...]
    concept: str
    """Id of the concept that it names; empty if the lexicon knows none."""
    denies: bool
    """It says that the concept is absent: 'no_pneumothorax'."""
    answer: str
    """`present` or `absent` for yes/no labels, `other` for a rest class, `any` for a finding that stands for all the others,
    `opaque` for bare codes such as 0 and 1, else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a phrase of the request refers to."""

    concept: str = ""
    labels: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    value: str = ""
    """Value of the attribute that was named, if one was."""
    similar_to: str = ""
    """Filled where the words only resemble what they were taken for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataWords:
    """The vocabulary of one data set joined with the lexicon."""

    lexicon: Lexicon
    labels: tuple[DataLabel, ...]
    """Of findings that can occur together two each: the finding, and that it is absent."""
    attributes: dict[str, str]
    """Attribute name -> concept id, empty where the lexicon knows none."""
    column_concept: str
    """Concept that the label column is named after (a column 'pneumothorax' of 0 and 1), else empty."""
    generic_column: bool
    """The label column has a name that says nothing, such as 'label'."""
    table: dict[tuple[str, ...], Meaning]
    """Phrase -> meaning, for longest-match look-up."""
    column: str = ""
    """Name of the label column, as written."""
    column_words: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    """Findings that can occur together; empty where the labels exclude each other."""
    places: frozenset[str] = frozenset()
    """`boxes`, `mask`: how the data says where something lies; empty where it does not."""
    only_places: bool = False
    """Nobody labelled whole images: each was looked at for boxes or masks."""
    measured: str = ""
    """Name of the label column where its labels are numbers on a scale, such as an ejection fraction; else empty."""

    def labels_of(self, concept: str) -> tuple[str, ...]:
        """Return the labels that name a concept."""
        return tuple(item.label for item in self.labels if item.concept == concept and not item.denies)

    def find(self, label: str) -> DataLabel:
        """Return what is known of a label."""
        return next(item for item in self.labels if item.label == label)

    def shown(self) -> tuple[str, ...]:
        """Return what is shown to a person who is asked which label is meant: no bare 0 and 1, no absence of a finding."""
        only = [self.column] if any(item.words == self.column_words and item.words for item in self.labels) else []
        named = [item.label for item in self.labels if not (item.denies and (self.findings or only))]
        return tuple(only if only and len(self.labels) == 2 else named)

    def plain(self, label: str) -> str:
        """Return plain words for a label."""
        known = self.find(label)
        concept = self.lexicon.concepts.get(known.concept)
        own = self.column if known.words == self.column_words and self.column_words else label
        own = own.removeprefix("no ") if known.denies and own == label else own
        exact = concept is not None and known.words in concept.words + concept.codes and concept.kind == "finding"
        name = concept.plain if concept is not None and exact else own.replace("_", " ")
        return f"no {name}" if known.denies else name


def read_data_words(profile: Profile, lexicon: Lexicon, *, meanings: Mapping[str, str] | None = None) -> DataWords:
    """Return the vocabulary of the data that a profile describes.

    Args:
        profile: Its labels and attributes are the vocabulary.
        lexicon: What the words are compared with.
        meanings: What the request says that a label means ("1 is melanoma"); it goes before what the label itself says.
    """
    column = phrase(profile.roles.label or "")
    findings = tuple(item.name for item in profile.findings)
    labels = _labels_of_findings(profile, lexicon) or tuple(
        _data_label(item.label, item.images, (meanings or {}).get(item.label, item.label), lexicon)
        for item in profile.labels
    )
    if column and column not in _GENERIC_COLUMNS and not findings:
        labels = _named_by_column(labels, column, lexicon)
    if not findings:
        labels = _twins(labels)
    attributes = {item.name: _concept_of_column(item.name, lexicon) for item in profile.attributes}
    table: dict[tuple[str, ...], Meaning] = {}
    for key, meaning in _entries(labels, attributes, profile, lexicon):
        table.setdefault(key, meaning)
    return DataWords(
        lexicon=lexicon,
        labels=labels,
        attributes=attributes,
        column_concept=_concept_of(column, lexicon)[0],
        generic_column=not column or column in _GENERIC_COLUMNS,
        table=table,
        column=profile.roles.label or "",
        column_words=column,
        findings=findings,
        places=_places(profile),
        only_places=_only_places(profile),
        measured=_measured(profile),
    )


def _labels_of_findings(profile: Profile, lexicon: Lexicon) -> tuple[DataLabel, ...]:
    """Return two labels for each of the findings that can occur together: the finding, and that it is absent."""
    labels: list[DataLabel] = []
    for finding in profile.findings:
        present = _data_label(finding.name, finding.present, finding.name, lexicon)
        present = replace(present, denies=False, answer="any" if present.answer == "any" else "")
        labels += [
            present,
            replace(present, label=absent(finding.name), images=finding.absent, denies=True, answer="absent"),
        ]
    return tuple(labels)


def _places(profile: Profile) -> frozenset[str]:
    kinds = {item.kind for item in profile.supervision if item.images and item.kind in {BOXES, MASK}}
    return frozenset(kinds | ({BOXES} if profile.boxes.boxes else set()))


def _only_places(profile: Profile) -> bool:
    """Say whether the data tells of places alone; a column with one class an image, beside boxes, labels whole images as well."""
    if profile.kind == "table" and profile.roles.label and not profile.findings and len(profile.labels) > 1:
        return False
    labelled = any(item.images and item.kind == IMAGE_LABEL for item in profile.supervision)
    return bool(_places(profile)) and not labelled


def _measured(profile: Profile) -> str:
    """Return the name of a label column whose labels are many different numbers."""
    labels = [item.label.strip() for item in profile.labels]
    numbers = sum(bool(_NUMBER.fullmatch(label)) for label in labels)
    if profile.findings or numbers < _MANY_NUMBERS or numbers < len(labels) - 1:
        return ""
    return profile.roles.label or "label"


def _named_by_column(labels: tuple[DataLabel, ...], column: tuple[str, ...], lexicon: Lexicon) -> tuple[DataLabel, ...]:
    """Tie the labels of a column 'pneumothorax' that holds 0 and 1, or no and yes, to what the column is named after."""
    answers = {item.label: item.answer for item in labels}
    if {item.label.strip() for item in labels} == {"0", "1"}:
        answers = {item.label: "present" if item.label.strip() == "1" else "absent" for item in labels}
    if sorted(answers.values()) != ["absent", "present"]:
        return labels
    concept = _concept_of(column, lexicon)[0]
    return tuple(
        replace(
            item,
            words=column,
            concept=concept,
            denies=answers[item.label] == "absent",
            answer="" if answers[item.label] == "present" else "absent",
        )
        for item in labels
    )


def _twins(labels: tuple[DataLabel, ...]) -> tuple[DataLabel, ...]:
    """Mark a label that denies another one, also where the lexicon knows neither: 'referable' and 'not referable'."""
    asserted = {item.words: item for item in labels if item.words}
    twins = []
    for item in labels:
        core = tuple(word for word in item.words if word not in _NEGATORS)
        other = asserted.get(core) if len(core) < len(item.words) else None
        twins.append(item if other is None else replace(item, denies=True, concept=other.concept))
    return tuple(twins)


def _data_label(label: str, images: int, meant: str, lexicon: Lexicon) -> DataLabel:
    words = phrase(_JOINED.sub(" ", meant))
    answer = ""
    if words in _PRESENT:
        answer = "present"
    elif words in _ABSENT:
        answer = "absent"
    elif words in _OTHER:
        answer = "other"
    elif words in _ANY:
        answer = "any"
    concept, denies = ("", False) if answer else _concept_of(words, lexicon)
    if not answer and not concept and _OPAQUE.fullmatch(meant.strip()):
        answer = "opaque"
    return DataLabel(label=label, images=images, words=words, concept=concept, denies=denies, answer=answer)


def _concept_of(words: tuple[str, ...], lexicon: Lexicon) -> tuple[str, bool]:
    """Return the concept that a name stands for, and whether the name denies it."""
    for concept in lexicon.concepts.values():
        if concept.kind != "modality" and words in concept.words + concept.codes:
            return concept.id, False
    denies = bool(words) and (words[0] in _NEGATORS or words[-1] in _NEGATORS)
    core = tuple(word for word in words if word not in _NEGATORS)
    best, length = "", 0
    for concept in lexicon.concepts.values():
        if concept.kind == "modality":
            continue
        for synonym in concept.words + concept.codes:
            # A longer name may hold a known one ("melanoma in situ"), but a lone short code inside a name proves nothing.
            known = synonym == core or (len(synonym[0]) > 3 and _contains(core, synonym))
            if known and len("".join(synonym)) > length:
                best, length = concept.id, len("".join(synonym))
    return best, denies and bool(best)


def _concept_of_column(name: str, lexicon: Lexicon) -> str:
    """Return the concept of an attribute; `clinic_date` is a date and no clinic, whatever word it begins with."""
    words = phrase(_JOINED.sub(" ", name))
    return "" if len(words) > 1 and words[-1] in _OTHER_HEADS else _concept_of(words, lexicon)[0]


def _contains(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(words[k : k + len(part)] == part for k in range(len(words) - len(part) + 1))


def _entries(
    labels: tuple[DataLabel, ...], attributes: dict[str, str], profile: Profile, lexicon: Lexicon
) -> Iterator[tuple[tuple[str, ...], Meaning]]:
    """Yield phrases with their meanings; where two phrases are equal the first one counts."""
    for item in labels:
        known = lexicon.concepts.get(item.concept)
        is_synonym = known is not None and not item.denies and item.words in known.words + known.codes
        ordinary = not item.words or (len(item.words) == 1 and item.words[0] in _ORDINARY)
        if not (item.answer or ordinary or is_synonym):
            yield item.words, Meaning(concept="" if item.denies else item.concept, labels=(item.label,))
    for concept in lexicon.concepts.values():
        meaning = Meaning(
            concept=concept.id,
            labels=tuple(item.label for item in labels if item.concept == concept.id and not item.denies),
            attributes=tuple(name for name, of_concept in attributes.items() if of_concept == concept.id),
        )
        yield from ((words, meaning) for words in concept.words + concept.codes)
    for name, of_concept in attributes.items():
        words = phrase(_JOINED.sub(" ", name))
        if words and words[0] not in _ORDINARY:
            yield words, Meaning(concept=of_concept, attributes=(name,))
    yield from _values(profile)


def _values(profile: Profile) -> Iterator[tuple[tuple[str, ...], Meaning]]:
    """Yield the values of the categorical attributes: 'scalp' speaks of the body site."""
    for attribute in profile.attributes:
        for value, _ in attribute.values if attribute.kind == "categorical" else ():
            words = phrase(value)
            if len("".join(words)) > 3 and words not in _PRESENT | _ABSENT | _OTHER:
                yield words, Meaning(attributes=(attribute.name,), value=value)
