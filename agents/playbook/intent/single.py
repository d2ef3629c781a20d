"""Data that are labelled for one finding only: when a request means it, whatever words stand where a finding should."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.playbook.intent.spelling import akin
from agents.playbook.intent.targets import only_finding

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_SHORTEST, _LONGEST, _CAPITALS = 3, 6, 3
_MEDICAL = re.compile(
    r"(itis|itides|oma|omas|omata|osis|oses|pathy|pathies|emia|aemia|plasia|plasm|plasms|trophy|ectasis|algia|rrhage|lysis|cele|uria|edema|oedema|sclerosis"
    r"|ectopy|spasm|megaly|penia|cytosis|blastosis|thorax|malacia|ptosis|plegia|phagia|pnea|pnoea|stomy|rrhea|rrhoea|iasis|asia)$", re.IGNORECASE,
)  # fmt: skip
_NOUNS = re.compile(
    r"\b(cancer|tumou?r|fracture|disease|disorder|syndrome|lesion|infection|infarct\w*|ulcer|cyst|nodule|malformation|dislocation|rupture|tear|calcification"
    r"|emboli\w*|thromb\w*|aneurysm|abscess|bleed\w*|defect|palsy|effusion|deposit|polyp|stone|hernia|injury|wound|rash|sign|signs|opacit\w*|mass|masses|cells?"
    r"|line|lines|tube|catheter|implant|device|parasite|bacteria\w*|virus|fung\w*|caries|plaque|drusen|leak|hole|detachment|collapse|obstruction|block|dilation"
    r"|failure|insufficiency|regurgitation|stroke)s?\b", re.IGNORECASE,
)  # fmt: skip


def sounds_like_a_finding(wording: str) -> bool:
    """Say whether words that no lexicon knows end or sound like the name of a disease: 'osteochondritis', 'sail sign'."""
    return bool(_NOUNS.search(wording)) or any(_MEDICAL.search(word) for word in re.findall(r"[^\W\d_]{5,}", wording))


def mentions_of_the_only_finding(reading: Reading) -> list[int]:
    """Return the units that name, or are derived from, the one finding that the data is labelled for."""
    only = only_finding(reading.data)
    if only is None:
        return []
    spelled = _spelled_out(reading, "".join(only.words))
    if spelled:
        return spelled
    concept = reading.data.lexicon.concepts.get(only.concept)
    names = {*only.words, *(word for words in (concept.words if concept is not None else ()) for word in words)}
    return [
        at
        for at, unit in enumerate(reading.units)
        if at not in reading.silenced
        and (only.label in unit.labels or any(akin(word, name) for word in unit.norm.split() for name in names))
    ]


def _spelled_out(reading: Reading, short: str) -> list[int]:
    """Return where the words stand whose initials are the label: 'left bundle branch block' for `lbbb`, 'necrotising enterocolitis' for `nec`."""
    if not _SHORTEST <= len(short) <= _LONGEST or not short.isalpha():
        return []
    words = [
        (at, unit.text.lower())
        for at, unit in enumerate(reading.units)
        if at not in reading.silenced and unit.text[:1].isalpha()
    ]
    for first in range(len(words)):
        for length in range(2, len(short) + 1):
            part = [
                word for at, text in words[first : first + length] for word in _letters(reading.units[at].text, text)
            ]
            if _begin_with(part, short):
                return [words[first][0]]
    return []


def _letters(written: str, text: str) -> list[str]:
    """Return the words of a unit; a short form in capitals ('LV') is as many words as it has letters."""
    return list(text) if written.isupper() and len(written) <= _CAPITALS else re.findall(r"[a-z]+", text)


def _begin_with(words: list[str], short: str) -> bool:
    """Say whether the letters are the beginnings of all these words in order, the last of which may give several: `nec`."""
    if (
        len(words) < 2
        or len(words) > len(short)
        or any(word[0] != letter for word, letter in zip(words, short, strict=False))
    ):
        return False
    rest = short[len(words) :]
    at = 0
    for letter in words[-1][1:]:
        if at < len(rest) and letter == rest[at]:
            at += 1
    return at == len(rest)
