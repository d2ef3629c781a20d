"""A request cut into words once: every later rule works on these tokens, and each keeps its place in the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\b(?:vs|v|e\.g|i\.e|approx|incl|dr)\.(?=\s)  # an abbreviation: its dot ends no sentence
      | \d+(?:[.,]\d+)*(?![^\W\d_])   # a number that is not the start of a code
      | [^\W_]+(?:['\u2019][^\W\d_]+)?  # a word, a code, a contraction
      | >=|<=                        # signs of two characters
      | \n\s*\n | \n\s*[-*\u2022](?=\s)  # an empty line, or the bullet of a list, as one token
      | [^\w\s]                       # any other sign
    """,
    re.VERBOSE | re.IGNORECASE,
)
_IRREGULAR = {
    "women": "woman", "men": "man", "children": "child", "nevi": "nevus", "naevi": "nevus", "doses": "dose", "biases": "bias",
    "caught": "catch", "found": "find", "finding": "finding", "findings": "finding", "told": "tell", "seen": "see", "does": "do",
    "did": "do", "was": "be", "were": "be", "is": "is", "are": "is", "has": "have", "had": "have", "worse": "worse", "this": "this",
    "druse": "drusen", "us": "us", "cannot": "not", "cant": "not", "dont": "not", "doesnt": "not", "wont": "not", "isnt": "not",
    "shouldnt": "not", "mustnt": "not", "arent": "not", "wouldnt": "not", "n't": "not", "outcome": "outcome",
    "used": "use", "using": "use", "uses": "use", "lens": "lens", "series": "series", "species": "species", "better": "better", "rather": "rather",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign of the text."""

    text: str
    norm: str
    """The form that rules compare: lower case, singular, American spelling, without -ing and -ed."""
    start: int
    end: int


def tokenise(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text; hyphens inside words are dropped, every other sign is a token."""
    tokens = []
    for match in _TOKEN.finditer(text):
        if match.group() in {"-", "\u2010", "\u2011"} and _inside_word(text, match.start()):
            continue
        tokens.append(Token(match.group(), normal_form(match.group()), match.start(), match.end()))
    return tuple(tokens)


def phrase(text: str) -> tuple[str, ...]:
    """Return the normal forms of the words of a text without its signs: how labels, names and lexicon entries are compared."""
    return tuple(token.norm for token in tokenise(text) if token.norm[:1].isalnum())


def norms(*wordings: str) -> frozenset[str]:
    """Return the normal forms of wordings, each as one string: what the norms of units are looked up in."""
    return frozenset(" ".join(token.norm for token in tokenise(wording)) for wording in wordings)


def normal_form(word: str) -> str:
    """Return the form of a word that rules compare.

    The form is made to be compared, not read: 'images' and 'imaging' both become 'imag'.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    word = plain.strip() or word  # an accent that stands alone is taken apart into a blank
    word = word.replace("\u2019", "'")
    if word.endswith("n't"):
        return "not"
    word = word.removesuffix("'s")
    if word.endswith(".") and len(word) > 1:
        word = word[:-1]
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return _stem(_singular(_american(word)))


def _inside_word(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()


def _american(word: str) -> str:
    word = (word.replace("ae", "e") if len(word) > 3 else word).replace("oea", "ea")  # not the short form of an error
    word = re.sub(r"oe(?=dem|soph|strog)", "e", word)
    word = re.sub(r"(?<=[ml])our", "or", word)
    return re.sub(r"is(?=e$|es$|ed$|ing$|ation$)", "iz", word) if len(word) > 6 else word


def _singular(word: str) -> str:
    for plural, singular in (
        ("oses", "osis"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("ies", "y"),
    ):
        if word.endswith(plural) and len(word) > len(plural) + 1:
            return word.removesuffix(plural) + singular
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def _stem(word: str) -> str:
    if len(word) < 5:
        return word
    for ending in ("ing", "ied", "ed"):
        if word.endswith(ending) and not word.endswith("eed") and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending) + ("y" if ending == "ied" else "")
            doubled = stem[-1] == stem[-2] and stem[-1] not in "slzf"
            return stem[:-1] if doubled else stem.removesuffix("e")
    return word.removesuffix("e")
