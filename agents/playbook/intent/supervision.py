"""What the labels are: boxes on a share of the images, several readers, uncertain labels; from the data, settled by words."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clauses
from agents.playbook.intent.places import described_places
from agents.playbook.intent.words import norms
from tasks.domain.manifest import BOXES, MASK
from tasks.domain.spec import DETECTION, SEGMENTATION, Supervision

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.reading import Reading

_FAR = 0.02
_HALF = 0.5
_DISAGREE = norms("disagree", "disagreement", "agree", "differ", "vary", "conflict", "dispute", "discordant")
_AGREED = {"AGREE_MAJORITY": "majority", "AGREE_CONSENSUS": "consensus", "AGREE_ALL": "all", "AGREE_ANY": "any"}
_UNCERTAIN = "uncertain"
_TREATS = frozenset({"CALL_AS", "WISH", "EXCEPT", "IGNORE"})
_AS = norms("as", "mask", "count", "treat")
_LABELLED = norms("label", "annotation", "finding", "mention", "-1", "read", "case")
_POLICIES = {
    "unknown": norms("unknown", "ignore", "mask", "drop", "exclude", "leave out", "leave", "miss", "discard", "disregard", "skip", "unlabel", "unlabell", "not use", "omit", "no label", "without label"),
    "positive": norms("positive", "present", "yes", "disease"),
    "negative": norms("negative", "absent", "normal", "no", "healthy"),
}  # fmt: skip


def read_supervision(reading: Reading, named: Named | None, policy: str) -> Supervision:
    """Return how the labels came about and how they are read; what the words leave open is asked with a default."""
    task = named.task if named is not None else ""
    uncertain = _uncertain(reading, named, policy)
    aggregation, rated = _aggregation(reading)
    share = _share_with_places(reading)
    kind = "multi_rater" if rated else "full"
    if task not in {DETECTION, SEGMENTATION}:
        return Supervision(kind=kind, aggregation=aggregation, uncertain=uncertain)
    said = _said_share(reading)
    if said is not None:
        reading.cite("supervision", *said[1:])
        if not math.isnan(share) and abs(said[0] - share) > _FAR:
            reading.caveat(
                f"The request says that {said[0]:.0%} of the images have boxes; the data as read has them on {share:.0%}."
            )
        share = said[0]
    if not math.isnan(share) and share < 1:
        kind = "mixed"
        reading.caveat(
            "How well places are found is measured only on images that people looked at for boxes or outlines."
        )
        reading.fact(
            "supervision",
            f"{share:.1%} of the images were looked at for boxes or outlines, the others carry a label of the whole image",
        )
    return Supervision(kind=kind, box_fraction=share, aggregation=aggregation, uncertain=uncertain)


def _share_with_places(reading: Reading) -> float:
    images = {item.kind: item.images for item in reading.profile.supervision}
    total = sum(images.values())
    return (images.get(BOXES, 0) + images.get(MASK, 0)) / total if reading.data.places and total else math.nan


def _said_share(reading: Reading) -> tuple[float, int, int] | None:
    """Return the share of images with boxes that the request names ('all of our frames have boxes'), and where."""
    for at in described_places(reading):
        sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
        for k in range(sentence.start, at):
            unit = reading.units[k]
            everyone = unit.norm in {"all", "every", "each"}
            if unit.share is not None or everyone:
                return (unit.share if unit.share is not None else 1.0), k, at + 1
    return None


def read_label_policy(reading: Reading) -> str:
    """Return what the words say that an uncertain label counts as: `unknown`, `positive` or `negative`; empty if nothing."""
    marked = any(item.uncertain for item in reading.profile.findings)
    for said in clauses(reading):
        units = [reading.units[k] for k in said]
        doubt = next((k for k in said if _is_doubt(reading.units[k])), None)
        if doubt is None or not (marked or any(unit.norm in _LABELLED for unit in units)):
            continue
        clause = _with_what_follows(reading, said)
        units = [reading.units[k] for k in clause]
        others = f" {' '.join(unit.norm for k, unit in zip(clause, units, strict=True) if k != doubt)} "
        policy = next((way for way, words in _POLICIES.items() if any(f" {word} " in others for word in words)), "")
        if policy and any(unit.tags & _TREATS or unit.norm in _AS for unit in units):
            reading.use(clause.start, clause.stop)
            reading.claimed.update(k for k in clause if reading.units[k].is_class)
            if marked:
                reading.cite("supervision.uncertain", clause.start, clause.stop)
                return policy
    return ""


def _with_what_follows(reading: Reading, clause: range) -> range:
    """Return a clause with the next one of its sentence where that goes on about it: '... was hedging: leave those out'."""
    after = next((other for other in clauses(reading) if other.start > clause.start), None)
    goes_on = after is not None and any(
        reading.units[k].norm in {"those", "them", "thos", "it", "these", "thes"} for k in after
    )
    return range(clause.start, after.stop) if goes_on and after is not None else clause


def _uncertain(reading: Reading, named: Named | None, policy: str) -> str:
    """Return what an uncertain label counts as, where the data has any among the findings that are looked for."""
    used = {label for item in named.classes for label in item.labels} if named is not None else None
    count = sum(item.uncertain for item in reading.profile.findings if used is None or item.name in used)
    if not count or policy:
        return policy
    reading.default(
        "supervision.uncertain", "uncertain labels count as unknown: those images teach nothing about that finding"
    )
    reading.ask(
        "supervision", f"{count:,} labels are marked uncertain. Should they count as unknown (left out for that finding), as present, or as absent?",
        options=("unknown", "positive", "negative"), default="unknown", kind="label_policy",
    )  # fmt: skip
    return "unknown"


def _beside(reading: Reading, positions: list[int]) -> list[int]:
    """Return the units of the sentences that hold any of these units."""
    return [k for sentence in reading.sentences() if set(sentence) & set(positions) for k in sentence]


def _is_doubt(unit: Unit) -> bool:
    return "UNCERTAIN" in unit.tags or unit.norm.startswith(_UNCERTAIN)


def _most_of_them(reading: Reading) -> tuple[int, int] | None:
    """Return where 'two out of three graders' stands."""
    for at in reading.tagged("RATERS"):
        share = reading.units[at - 1].share if at else None
        if share is not None and _HALF < share < 1:
            reading.used.add(at - 1)
            return at - 1, at + 1
    return None


def _either_of_them(reading: Reading) -> tuple[int, int] | None:
    """Return where 'if either of them says so' stands in a sentence about readers."""
    for at in reading.tagged("RATERS"):
        sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
        for k in sentence:
            if (
                reading.units[k].norm in {"either", "any"}
                and k > at
                and not reading.units[min(k + 1, sentence.stop - 1)].is_class
            ):
                return k, min(k + 3, sentence.stop)
    return None


def _aggregation(reading: Reading) -> tuple[str, bool]:
    """Return how several readings become one label, and whether there are several."""
    readers = reading.profile.annotators
    said = reading.tagged("RATERS")
    for at in said:
        reading.used.update(
            k for sentence in reading.sentences() if at in sentence for k in sentence if reading.units[k].share is None
        )
    if len(readers) < 2 and not said:
        return "", False
    way = _way(reading)
    if len(readers) < 2:
        if not way and any(
            reading.units[k].norm in _DISAGREE or "disagre" in reading.units[k].norm for k in _beside(reading, said)
        ):
            reading.ask(
                "supervision", "The data has one label an image, and no column for each reader. Should that label be taken as the truth, although readers may disagree?",
                options=("yes", "no, I add the readings"), default="yes", kind="reference_standard",
            )  # fmt: skip
        return "", False
    reading.fact("supervision", f"{len(readers)} readers labelled the images")
    reading.caveat("How far the readers agree is shown beside how well the model does.")
    if way:
        return way, True
    names = [item.name for item in readers]
    reading.default("supervision.aggregation", "majority vote, until the truth is said to be something else")
    reading.ask(
        "supervision", f"{len(readers)} people read the images and do not always agree. Which label is the truth: majority vote, their consensus, or the word of "
        "one of them?", options=("majority", "consensus", *names[:6]), default="majority", kind="reference_standard",
    )  # fmt: skip
    return "majority", True


def _way(reading: Reading) -> str:
    for tag, way in _AGREED.items():
        at = next((k for k in reading.tagged(tag) if not reading.denied(k, within=3)), None)
        if at is not None:
            reading.cite("supervision.aggregation", at, at + 1)
            return way
    most = _most_of_them(reading)
    if most is not None:
        reading.cite("supervision.aggregation", *most)
        return "majority"
    either = _either_of_them(reading)
    if either is not None:
        reading.cite("supervision.aggregation", *either)
        return "any"
    for item in reading.profile.annotators:
        named = re.search(rf"\b{re.escape(item.name)}\b", reading.text, re.IGNORECASE)
        covered = [k for k, unit in enumerate(reading.units) if named and named.start() <= unit.start < named.end()]
        if covered:
            reading.cite("supervision.aggregation", covered[0], covered[-1] + 1)
            return item.name
    return ""
