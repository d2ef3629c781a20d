"""The two sides of 'A versus B' and 'tell A from B', and words that stand where a finding should but name none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading
    from agents.playbook.intent.targets import Target

_ARTICLES = frozenset({"a", "an", "the", "any", "some", "this", "these", "those", "all", "other", "kind", "of", "type", "common", "ordinary", "ordinari", "usual", "typical", "simpl", "plain", "early", "small", "suspicious", "possibl", "real", "true", "our", "my", "your", "their", "its", "different", "visibl", "clear", "obvious", "new", "old", "such", "as", "eg", "between", "me", "it", "them", "us", "you", "one", "pleas", "out", "u", "i", "we", "if", "automatically", "what", "how", "here", "there", *norms("example", "error", "mistake", "result", "progress", "outcome")})  # fmt: skip
_JOINERS = frozenset({",", "and", "or", "/"})
_PHRASE_END = frozenset({",", "(", ")", ":", "on", "in", "from", "with", "for", "by", "at", "to", "that", "which", "who", "if", "when", "but", "so", "becaus", "while", "using", "based", "and", "or", "versu", "/", "then", "please", "pleas", "as", "is", "are", "be", "-", "\u2013", "\u2014"})  # fmt: skip


def sides_of(reading: Reading, sentence: range, targets: dict[int, Target]) -> list[list[int]]:
    """Return the sides of a comparison, each with the units that name it; fewer than two where there is no comparison.

    A side of rest words ('everything else') holds their positions instead of a thing.
    """
    units = reading.units
    split = next((at for at in sentence if "TASK_SPLIT" in units[at].tags), None)
    sides: list[list[int]] = [[]]
    for at in sentence:
        is_from = "FROM" in units[at].tags and split is not None and split < at
        if ("VERSUS" in units[at].tags or is_from) and sides[-1]:
            sides.append([])
        elif at in targets or ("REST" in units[at].tags and at not in reading.claimed and len(sides) > 1):
            sides[-1].append(at)
    return [side for side in sides if side]


def unknown_words(reading: Reading, sentence: range, candidates: list[int]) -> Iterator[str]:
    """Yield words that stand where a finding should: beside 'from' or 'versus', after 'detect', or in a list of findings."""
    units = reading.units
    split = next((at for at in sentence if units[at].tags & {"TASK_SPLIT", "TASK_SORT"}), None)
    for at in sentence:
        tags = units[at].tags
        is_from = "FROM" in tags and split is not None and split < at and bool(candidates)
        is_detect = "TASK_DETECT" in tags and not candidates and not reading.claimed & set(range(at, sentence.stop))
        if "VERSUS" in tags or is_from or is_detect:
            yield from _unknown_phrase(reading, range(at + 1, sentence.stop), "")
        elif at == split and any(k > at for k in candidates):
            yield from _unknown_phrase(reading, range(at + 1, sentence.stop), "before")
        elif units[at].norm in _JOINERS and at - 1 in candidates:
            yield from _unknown_phrase(reading, range(at + 1, sentence.stop), "last" if units[at].norm == "," else "")


def _unknown_phrase(reading: Reading, places: range, where: str) -> Iterator[str]:
    """Yield the words of the phrase that starts here if no known word is among them.

    `before` wants the phrase to be followed by a joiner, as the first item of a list is; `last` by a joiner or nothing.
    """
    units = reading.units
    phrase: list[int] = []
    follower = ""
    for at in places:
        unit = units[at]
        if (
            unit.is_thing
            or unit.kind == "modality"
            or unit.tags - {"ON", "CEIL", "ALL", "VERSUS", "FROM"}
            or unit.number is not None
        ):
            return
        if unit.norm in _PHRASE_END or unit.is_sign or unit.tags & {"VERSUS", "FROM"}:
            follower = unit.norm
            break
        phrase.append(at)
    content = [at for at in phrase if units[at].norm not in _ARTICLES and not units[at].norm.endswith("ly")]
    joined = follower in _JOINERS | {"from", "versu", "v"} or (where == "last" and not follower)
    if content and len(phrase) <= 4 and (not where or joined):
        yield reading.text[units[content[0]].start : units[content[-1]].end]
