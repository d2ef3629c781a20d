"""What a briefing says about the state of a study: the facts that techniques and the search rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.playbook.diagnosis import Shortfall, fit_of, shortfalls
from agents.playbook.orientation import orientation_of, picture_of
from agents.playbook.seams import recipe_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agents.developer import Briefing
    from tasks.domain.round import Hypothesis, Round
    from tasks.domain.spec import Spec

TRAIN_PART = 0.7
"""Part of the images that a study trains on, as in the default split (15% validation, 15% test)."""
PRIORITY_COST = 4.0
"""Of missing a class that matters most, where the request puts it first and no number on it."""
LEAST_MASKED = 0.1
"""Part of the images that must come with masks for these to be worth learning from."""

MENDED = "mended."
"""Prefix of the settings that a mend of a failed edit has set."""
DROPPED = f"{MENDED}dropped"
"""Setting that names the techniques which a mend left out because they broke, joined by `+`."""


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
    """What predicting validation with one of its checkpoints took."""
    fit: float
    """-1 underfits, 0 in between or unknown, 1 overfits: see `agents.playbook.diagnosis.fit_of`."""
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
    fast_bfloat16: bool = False
    """Whether a CPU computes faster in bfloat16."""
    shortfalls: tuple[Shortfall, ...] = ()
    """Why the incumbent falls short, the plainest reason first."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Plain values of the incumbent's recipe, by field."""
    picture: str = ""
    """`skin` for photographs of skin, `film` for radiographs; empty where no word says so."""
    class_costs: tuple[tuple[str, float], ...] = ()
    """How dear it is to miss each class, in the order of the columns, the least 1; empty if all are alike."""
    masks: bool = False
    """True if a good part of the images come with masks that can be used."""
    fine_labels: int = 0
    """Labels of the data that the classes are made of; 0 where findings can occur together."""
    inputs: tuple[str, ...] = ()
    """Attributes that the request lets the model see beside the image."""

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
        fell = f"the training loss fell from {self.loss_first:.2f} to {self.loss_last:.2f} in {counted(self.epochs, 'epoch')}"
        if self.fit > 0.3:
            return f"{fell}: the network comes to know its {self.train_images:,} images by heart"
        if self.fit < -0.3:
            return f"{fell}: it has not finished learning"
        return fell


def counted(number: float, noun: str) -> str:
    """Return a rounded number with its noun: '1 epoch', '12 epochs'."""
    return f"{number:,.0f} {noun}" if round(number) == 1 else f"{number:,.0f} {noun}s"


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
    kept = techniques_held(briefing.history)
    plain = _last_plain(briefing.history, changes_loss)
    loss = _number(plain.diagnostics if plain else {}, "train_loss_last", "loss_last", "loss")
    fit = fit_of(loss, plain.validation_loss if plain else math.nan, _entropy(images))
    recipe = recipe_values(briefing.source)
    weights = briefing.weights
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
        loss_last=loss,
        images_per_second=_number(facts, "images_per_second"),
        train_seconds=briefing.train_seconds,
        used_seconds=incumbent.train_seconds if incumbent else math.nan,
        predict_seconds=incumbent.predict_seconds / max(1, len(incumbent.curve)) if incumbent else 0.0,
        fit=fit,
        shortfalls=shortfalls(
            incumbent,
            fit=fit,
            used=incumbent.train_seconds / briefing.train_seconds if incumbent else math.nan,
            priorities=spec.priorities,
            higher_is_better=briefing.protocol.higher_is_better,
        ),
        backbone=str(recipe.get("backbone") or ""),
        image_size=int(recipe.get("image_size") or 0),
        batch_size=int(recipe.get("batch_size") or 1),
        learning_rate=float(recipe.get("learning_rate") or math.nan),
        weight_decay=float(recipe.get("weight_decay") or 0.0),
        planned_epochs=int(recipe.get("epochs") or 0),
        source_pixels=min(briefing.profile.width_median, briefing.profile.height_median),
        pretrained=_is_pretrained(briefing, recipe),
        device=briefing.device,
        devices=briefing.devices,
        fast_bfloat16=briefing.fast_bfloat16,
        weights=weights,
        kept=kept,
        recipe=recipe,
        picture=picture_of(spec),
        class_costs=class_costs(spec),
        masks=briefing.profile.masked_images > LEAST_MASKED * briefing.profile.n_images,
        fine_labels=_fine_labels(briefing),
        inputs=spec.inputs,
    )


def techniques_of(attempt: Round) -> tuple[str, ...]:
    """Return the techniques of an attempt: a bundle is written `one+other`."""
    return tuple(name for name in attempt.hypothesis.technique.split("+") if name)


def techniques_held(history: tuple[Round, ...]) -> frozenset[str]:
    """Return the techniques that the incumbent holds: those kept and not taken back since."""
    kept = [item for item in history if item.kept]
    taken_back = {item.hypothesis.removes for item in kept}
    return frozenset(
        name
        for item in kept
        if item.hypothesis.removes < 0 and item.number not in taken_back
        for name in techniques_of(item)
    )


def settings_of(attempt: Round, technique: str) -> dict[str, float | str]:
    """Return the settings of one technique of an attempt: those of a bundle are written `technique.setting`."""
    return settings_in(attempt.hypothesis, technique)


def settings_in(hypothesis: Hypothesis, technique: str) -> dict[str, float | str]:
    """Return the settings of one technique of a hypothesis; those that a mend set (`mended.setting`) are not among them."""
    settings = hypothesis.settings
    if hypothesis.technique == technique:
        return {key: value for key, value in settings.items() if "." not in key}
    return {key.split(".", 1)[1]: value for key, value in settings.items() if key.startswith(f"{technique}.")}


def steps_dropped(hypothesis: Hypothesis) -> tuple[str, ...]:
    """Return the techniques that a mend left out of a bundle because they broke."""
    return tuple(name for name in str(hypothesis.settings.get(DROPPED, "")).split("+") if name)


def class_costs(spec: Spec) -> tuple[tuple[str, float], ...]:
    """Return what missing each class costs, over that of the cheapest; nothing where the request weighs none above another.

    Where it weighs errors, the mean over what the class may be called instead; where it only names priorities, `PRIORITY_COST`.
    """
    weights = {name: [item.weight for item in spec.costs if item.true == name] for name in spec.class_names}
    if spec.costs and all(weights.values()):
        costs = {name: sum(found) / len(found) for name, found in weights.items()}
    else:
        costs = {name: PRIORITY_COST if name in spec.priorities else 1.0 for name in spec.class_names}
    least = min(costs.values(), default=0.0)
    if least <= 0 or max(costs.values()) == least:
        return ()
    return tuple((name, cost / least) for name, cost in costs.items())


def metric_kind(name: str) -> str:
    """Return what a metric looks at: the order of scores, decisions, or the probabilities themselves."""
    stem = name.split("[", maxsplit=1)[0]
    if stem in {"brier", "ece"}:
        return "calibration"
    ranking = stem in {"auroc", "average_precision"} or "_at_" in stem
    return "ranking" if ranking else "decision"


def _is_pretrained(briefing: Briefing, recipe: Mapping[str, Any]) -> bool:
    backbone = str(recipe.get("backbone") or "")
    if recipe.get("pretrained") is not True:
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


def _fine_labels(briefing: Briefing) -> int:
    profile, class_of_label = briefing.profile, briefing.spec.class_of_label
    return 0 if profile.findings else sum(item.label in class_of_label for item in profile.labels if item.images)


def _last_plain(history: tuple[Round, ...], changes_loss: Collection[str]) -> Round | None:
    """Return the last kept round whose training loss is still the plain cross entropy."""
    plain = None
    for item in history:
        if item.kept:
            if set(techniques_of(item)) & set(changes_loss):
                return plain
            plain = item
    return plain


def _entropy(images: tuple[tuple[str, int], ...]) -> float:
    """Return the entropy of the classes' frequencies, in nats."""
    total = sum(count for _, count in images)
    return -sum(count / total * math.log(count / total) for _, count in images if count) if total else 0.0


def _number(facts: dict[str, float | str], *names: str) -> float:
    for name in names:
        value = facts.get(name)
        if isinstance(value, int | float):
            return float(value)
    return math.nan
