"""What a briefing says about the state of a study: the facts that techniques and the search rest on."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.playbook.seams import recipe_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from agents.developer import Briefing
    from tasks.domain.profile import Hazard
    from tasks.domain.round import Round
    from tasks.domain.spec import Spec

TRAIN_PART = 0.7
"""Part of the images that a study trains on, as in the default split (15% validation, 15% test)."""
LEAST_MASKED = 0.1
"""Part of the images that must come with masks for these to be worth learning from."""

_TURNABLE = (
    r"dermo|dermat|skin|\bmoles?\b|n[ae]?evus|na?evi\b|melanom|patholog|histolog|cytolog|microscop|smear|biops|"
    r"endoscop|colonoscop|polyp"
)
"""Words of pictures that have no up, down, left or right: the camera could have been held in any way."""
_FILM = r"chest|thora|\bcxr\b|x-?ray|radiograph|\bfilms?\b|mammo"
"""Words of films, where a mirrored one shows another anatomy."""
_SIDED = r"\bleft|\bright|lateral|\bupper\b|\blower\b"
"""Words in a class's own name that a flip would make untrue."""
_UPRIGHT = r"heart|cardi|pneumo|\becg\b|\bekg\b|letter|digit|handwrit|\bct\b|\bmri?\b|abdom|fundus|retin|\beyes?\b"
"""Words of other pictures in which a mirrored one shows another anatomy, or another text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The state of a study before a round; numbers that no run has shown yet are nan."""

    orientation: str
    """`any` (all flips and turns keep the meaning), `upright` (mirroring does) or `fixed` (none does)."""
    orientation_word: str
    """The word of the request or the labels that says so; empty where none does."""
    metric: str
    metric_kind: str
    """`ranking`, `decision` or `calibration`."""
    score: float
    """Primary metric of the incumbent on validation."""
    class_images: tuple[tuple[str, int], ...]
    """Training images of each class (about), fewest first."""
    train_images: int
    """About; the split is not told exactly."""
    epochs: float
    loss_first: float
    loss_last: float
    images_per_second: float
    train_seconds: float
    """Budget of one training run."""
    used_seconds: float
    """What the incumbent's training run took of it."""
    predict_seconds: float
    fit: float
    """-1 underfits, 0 in between or unknown, 1 overfits: from the training loss, chance level being the classes' entropy."""
    backbone: str
    image_size: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    planned_epochs: int
    source_pixels: int
    """Shorter side of the median image, in pixels."""
    pretrained: bool
    """True if the incumbent was started from pretrained weights, as far as known."""
    device: str
    weights: tuple[str, ...] | None
    """Models whose pretrained weights are at hand; None if not known."""
    kept: frozenset[str]
    """Techniques that the incumbent holds."""
    devices: int = 1
    """How many devices a training run may use."""
    masks: bool = False
    """True if a good part of the images come with masks that can be used."""

    @property
    def imbalance(self) -> float:
        """Return how many images the largest class has for one of the smallest."""
        return self.class_images[-1][1] / max(1, self.class_images[0][1])

    @property
    def steps(self) -> float:
        """Return the optimiser steps of the incumbent's run; nan if unknown."""
        return self.epochs * self.train_images / self.batch_size

    @property
    def ground(self) -> str:
        """Return the sentence that speaks for regularisation: what the training loss says, or how little data there is."""
        sentence = self.fit_sentence or f"there are only {self.train_images:,} training images"
        return sentence[0].upper() + sentence[1:]

    @property
    def fit_sentence(self) -> str:
        """Return what the training loss says, with its numbers; empty where there is none."""
        if math.isnan(self.epochs) or math.isnan(self.loss_last):
            return ""
        fell = f"the training loss fell from {self.loss_first:.2f} to {self.loss_last:.2f} in {self.epochs:.0f} epochs"
        if self.fit > 0.3:
            return f"{fell}: the network comes to know its {self.train_images:,} images by heart"
        if self.fit < -0.3:
            return f"{fell}: it has not finished learning"
        return fell


def read(briefing: Briefing, changes_loss: Collection[str] = ()) -> Reading:
    """Return the facts of a briefing.

    Args:
        briefing: What the developer was told.
        changes_loss: Techniques after which the training loss is another quantity.
    """
    spec, incumbent = briefing.spec, briefing.incumbent
    facts = incumbent.diagnostics if incumbent else {}
    images = _class_images(briefing)
    orientation, word = orientation_of(spec, briefing.profile.hazards)
    kept = frozenset(name for item in briefing.history if item.kept for name in techniques_of(item))
    plain = _last_plain(briefing.history, changes_loss)
    source = briefing.source
    weights = briefing.weights
    backbone = str(recipe_value(source, "backbone") or "")
    return Reading(
        orientation=orientation,
        orientation_word=word,
        metric=briefing.protocol.primary,
        metric_kind=metric_kind(briefing.protocol.primary),
        score=incumbent.score if incumbent else math.nan,
        class_images=images,
        train_images=sum(count for _, count in images),
        epochs=_number(facts, "epochs", "epoch"),
        loss_first=_number(plain.diagnostics if plain else {}, "train_loss_first", "loss_first"),
        loss_last=_number(plain.diagnostics if plain else {}, "train_loss_last", "loss_last", "loss"),
        images_per_second=_number(facts, "images_per_second"),
        train_seconds=briefing.train_seconds,
        used_seconds=incumbent.train_seconds if incumbent else math.nan,
        predict_seconds=incumbent.predict_seconds if incumbent else 0.0,
        fit=_fit(plain, images),
        backbone=backbone,
        image_size=int(recipe_value(source, "image_size") or 0),
        batch_size=int(recipe_value(source, "batch_size") or 1),
        learning_rate=float(recipe_value(source, "learning_rate") or math.nan),
        weight_decay=float(recipe_value(source, "weight_decay") or 0.0),
        planned_epochs=int(recipe_value(source, "epochs") or 0),
        source_pixels=min(briefing.profile.width_median, briefing.profile.height_median),
        pretrained=_is_pretrained(briefing, backbone),
        device=briefing.device,
        devices=briefing.devices,
        weights=weights,
        kept=kept,
        masks=briefing.profile.masked_images > LEAST_MASKED * briefing.profile.n_images,
    )


def techniques_of(attempt: Round) -> tuple[str, ...]:
    """Return the techniques of an attempt: a bundle is written `one+other`."""
    return tuple(name for name in attempt.hypothesis.technique.split("+") if name)


def settings_of(attempt: Round, technique: str) -> dict[str, float | str]:
    """Return the settings of one technique of an attempt: those of a bundle are written `technique.setting`."""
    settings = attempt.hypothesis.settings
    if attempt.hypothesis.technique == technique:
        return dict(settings)
    return {key.split(".", 1)[1]: value for key, value in settings.items() if key.startswith(f"{technique}.")}


def orientation_of(spec: Spec, hazards: Iterable[Hazard] = ()) -> tuple[str, str]:
    """Return whether pictures may be turned (`any`), mirrored (`upright`) or neither (`fixed`), and the word for it.

    Where the investigation found that the side matters, no word of the request makes a mirror image safe.
    """
    if any(hazard.kind == "laterality" for hazard in hazards):
        return "fixed", "laterality"
    classes = " ".join(f"{item.name} {' '.join(item.labels)} {item.description}" for item in spec.classes)
    asked = " ".join(item.words for item in spec.grounding if item.source == "request")
    classes, words = (text.lower().replace("_", " ") for text in (classes, f"{classes} {asked}"))
    fixed = re.search(_FILM, words) or re.search(_SIDED, classes)
    if fixed:
        return "fixed", fixed.group()
    turnable, upright = re.search(_TURNABLE, words), re.search(_UPRIGHT, words)
    if turnable:
        return "any", turnable.group()
    return ("fixed", upright.group()) if upright else ("upright", "")


def metric_kind(name: str) -> str:
    """Return what a metric looks at: the order of scores, decisions, or the probabilities themselves."""
    stem = name.split("[", maxsplit=1)[0]
    if stem in {"brier", "ece"}:
        return "calibration"
    ranking = stem in {"auroc", "average_precision"} or "_at_" in stem
    return "ranking" if ranking else "decision"


def _is_pretrained(briefing: Briefing, backbone: str) -> bool:
    if recipe_value(briefing.source, "pretrained") is not True:
        return False
    if briefing.weights is not None:
        return backbone in briefing.weights
    return f"weights: {backbone} from the local cache" in briefing.last_log


def _class_images(briefing: Briefing) -> tuple[tuple[str, int], ...]:
    counts = dict.fromkeys(briefing.spec.class_names, 0)
    class_of_label = briefing.spec.class_of_label
    for item in briefing.profile.labels:
        if item.label in class_of_label:
            counts[class_of_label[item.label]] += round(TRAIN_PART * item.images)
    return tuple(sorted(counts.items(), key=lambda pair: pair[1]))


def _last_plain(history: tuple[Round, ...], changes_loss: Collection[str]) -> Round | None:
    """Return the last kept round whose training loss is still the plain cross entropy."""
    plain = None
    for item in history:
        if item.kept:
            if set(techniques_of(item)) & set(changes_loss):
                return plain
            plain = item
    return plain


def _fit(attempt: Round | None, images: tuple[tuple[str, int], ...]) -> float:
    """Return how far the training loss has come: 1 at a quarter of the classes' entropy or less, -1 at three quarters."""
    loss = _number(attempt.diagnostics, "train_loss_last", "loss_last", "loss") if attempt else math.nan
    total = sum(count for _, count in images)
    entropy = -sum(count / total * math.log(count / total) for _, count in images if count) if total else 0.0
    if math.isnan(loss) or entropy <= 0:
        return 0.0
    return max(-1.0, min(1.0, (0.5 - loss / entropy) * 4))


def _number(facts: dict[str, float | str], *names: str) -> float:
    for name in names:
        value = facts.get(name)
        if isinstance(value, int | float):
            return float(value)
    return math.nan
