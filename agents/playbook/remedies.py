"""What the playbook does about a failed edit: for each kind of failure the remedies in their order, as data.

A remedy keeps the hypothesis: where the edit itself moved a value (larger images, a higher rate), the remedy goes part of the way
back and never past the incumbent's value. A smaller batch keeps its learning rate. AdamW's would go with the root of the batch
(Malladi et al., NeurIPS 2022), a factor of 1.4, which is less than one rung of the playbook's own rates; and the template keeps it
too where it halves a batch by itself, so that both ways to a smaller batch are the same training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.playbook.draft import Draft
from agents.playbook.editing import has_expression, replace_expression
from agents.playbook.seams import TRAIN, recipe_value, set_field
from agents.playbook.syntax import SeamMissing
from agents.playbook.techniques import bfloat16, gradient_clipping
from tasks.domain.failure import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.domain.failure import Failure

SMALLEST_BATCH = 8
"""Smaller ones make the statistics of batch normalisation too noisy; smaller images are the next remedy."""
SMALLEST_IMAGE = 32
"""Pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A failed edit, as a remedy sees it."""

    before: Mapping[str, str]
    """Files of the incumbent."""
    failed: Mapping[str, str]
    """All files as they failed."""
    failure: Failure
    device: str
    locked: tuple[str, ...]
    done: frozenset[str]
    """Settings that were mended already in this round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """What a remedy changes."""

    files: Mapping[str, str]
    """New text of each file that differs from the failed one; empty to run the same again."""
    settings: Mapping[str, float | str] = field(default_factory=dict)
    """Settings that it sets, by recipe field or technique."""
    words: str
    """What differs, in a few words: 'batches of 32 images instead of 64'."""


def half_batch(case: Case) -> Mend | None:
    """Halve the batch that failed, once; the run may have halved it by itself before it gave up."""
    size = recipe_value(case.failed, "batch_size")
    if "batch_size" in case.done or not isinstance(size, int):
        return None
    half = min(size, int(case.failure.facts.get("batch_size", size))) // 2
    if half < SMALLEST_BATCH or _undoes(case, "batch_size", half):
        return None
    return _with_field(case, "batch_size", half, f"batches of {half} images instead of {size}")


def smaller_images(case: Case) -> Mend | None:
    """Take three quarters of the image's side, or half-way back to the incumbent's where the edit made it larger."""
    size, old = recipe_value(case.failed, "image_size"), recipe_value(case.before, "image_size")
    if not isinstance(size, int):
        return None
    side = 8 * round(0.75 * size / 8)
    if isinstance(old, int) and side <= old < size:
        side = 8 * round((old + size) / 16)
    if side < SMALLEST_IMAGE or side >= size or _undoes(case, "image_size", side):
        return None
    return _with_field(case, "image_size", side, f"images of {side} pixels instead of {size}")


def lower_rate(case: Case) -> Mend | None:
    """Take a third of the learning rate, or half-way back (on a log scale) where the edit raised it; and clip gradients."""
    rate, old = recipe_value(case.failed, "learning_rate"), recipe_value(case.before, "learning_rate")
    if not isinstance(rate, float) or rate <= 0:
        return None
    lower = rate / 3
    if isinstance(old, float) and lower <= old < rate:
        lower = math.sqrt(old * rate)
    lower = float(f"{lower:.2g}")
    if lower >= rate or _undoes(case, "learning_rate", lower):
        return None
    mend = _with_field(case, "learning_rate", lower, f"a learning rate of {lower:g} instead of {rate:g}")
    draft = Draft({**case.failed, **mend.files}, locked=case.locked)
    try:
        gradient_clipping.TECHNIQUE.apply(draft, {})
    except SeamMissing:
        return mend
    if not draft.changed():  # they are clipped already
        return mend
    return Mend(
        files={**mend.files, **draft.changed()},
        settings={**mend.settings, "max_norm": 1.0},
        words=f"{mend.words}, and gradients cut to norm 1",
    )


def full_precision(case: Case) -> Mend | None:
    """Compute in full precision on a CPU that had been told to use bfloat16 by an earlier round."""
    short, full = bfloat16.SHORT, bfloat16.FULL
    held = all(has_expression(files.get(TRAIN, ""), "train_step", short) for files in (case.before, case.failed))
    if case.device != "cpu" or not held:
        return None
    draft = Draft(case.failed, locked=case.locked)
    for scope in ("train_step", "climb"):  # the second is the first pass of sharpness-aware minimisation
        if has_expression(draft[TRAIN], scope, short):
            draft.change(TRAIN, replace_expression, scope, short, full)
    return Mend(files=draft.changed(), settings={"bits": 32}, words="full precision instead of bfloat16")


def run_again(case: Case) -> Mend | None:
    """Run the same code again, once, if the images had been decoded: they are kept, so that the time is left for training."""
    if "again" in case.done or "decode_seconds" not in case.failure.facts:
        return None
    return Mend(files={}, settings={"again": 1}, words="the same code again, its images being decoded now")


REMEDIES: Mapping[FailureKind, tuple[Callable[[Case], Mend | None], ...]] = {
    FailureKind.OUT_OF_MEMORY: (half_batch, smaller_images),
    FailureKind.DISK_FULL: (smaller_images,),
    FailureKind.NON_FINITE_LOSS: (full_precision, lower_rate),
    FailureKind.NO_CHECKPOINT_IN_TIME: (smaller_images,),
    FailureKind.SLOW_DATA: (run_again, smaller_images),
}
"""What to try, in this order; a kind that is not here has no remedy that edits numbers."""


def _with_field(case: Case, name: str, value: float, words: str) -> Mend:
    draft = Draft(case.failed, locked=case.locked)
    set_field(draft, name, value)
    return Mend(files=draft.changed(), settings={name: value}, words=words)


def _undoes(case: Case, name: str, value: float) -> bool:
    """Return whether a value takes back what the edit itself did to a field."""
    old, failed = recipe_value(case.before, name), recipe_value(case.failed, name)
    return isinstance(old, int | float) and old < failed and value <= old
