"""Labels that do not fit their picture: found by confident learning, where coarse pictures tell the labels well.

A logistic regression on colours and rough layout, cross-validated by patient or lesion, gives each image the probability
of each label. Where that tells all labels apart, a label that it holds for impossible may be a slip of the pen. Where it
does not, nothing is said: an image that a poor model gets wrong shows the model's fault. Labels that merely overlap have errors
too, but few that lie as deep in another label as its own images do; more than that are slips.
Source: Northcutt, Jiang & Chuang, Confident Learning, Journal of Artificial Intelligence Research 2021;70:1373-1411.
"""

from __future__ import annotations

import warnings
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom, norm

from tasks.domain.profile import Hazard
from tasks.hazards.chance import UNLIKELY
from tasks.hazards.wording import count, have

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.hazards.evidence import Evidence

_TIMES_EXPECTED = 3


def of_suspect_labels(evidence: Evidence) -> list[Hazard]:
    """Return images that look plainly like another label than the one that they carry."""
    trial = evidence.trial
    if trial is None or not trial.is_good:
        return []
    suspects = _suspects(trial.labels, trial.probabilities)
    if not len(suspects):
        return []
    of = f" of the {len(trial.images):,} that were looked at" if len(trial.images) < len(evidence.rows) else ""
    number = len(suspects)
    summary = (
        f"{count(number, 'image')}{of} {have(number)} a label that does not fit the picture: by colours and rough layout "
        f"{'it looks' if number == 1 else 'they look'} plainly like another. Are these labels right, or does something other "
        "than the finding set the rest apart?"
    )
    places = evidence.places(trial.images[suspects].tolist())
    names = [evidence.targets[number].name for number in trial.numbers]
    examples = tuple(
        f"{place}: {names[trial.labels[image]]}, looks like {names[trial.probabilities[image].argmax()]}"
        for place, image in zip(places, suspects, strict=False)
    )
    return [Hazard(kind="suspect_labels", severity="ask", summary=summary, examples=examples)]


def why_not(evidence: Evidence) -> str:
    """Return why labels cannot be compared with their pictures, or nothing."""
    trial = evidence.trial
    if trial is None:
        return "it is looked for among labels that exclude each other, two or more of 50 images each"
    return "" if trial.is_good else "colours and rough layout do not tell the labels well enough"


def _suspects(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the numbers of images whose label is held for wrong, the surest first."""
    from cleanlab.filter import find_label_issues  # noqa: PLC0415  a second to load, and seldom needed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        issues = find_label_issues(
            labels, probabilities, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
        )
    looks_like = probabilities.argmax(axis=1)
    logs = np.log(np.clip(probabilities, 1e-12, None))
    kept = np.zeros(len(labels), dtype=bool)
    pairs = list(permutations(range(probabilities.shape[1]), 2))
    for own, other in pairs:
        kept |= (looks_like == other) & _deep_in(
            logs[:, other] - logs[:, own], labels == own, labels == other, len(pairs)
        )
    return np.asarray([number for number in issues if kept[number]], dtype=np.int64)


def _deep_in(
    scores: NDArray[np.float64], own: NDArray[np.bool_], other: NDArray[np.bool_], tries: int
) -> NDArray[np.bool_]:
    """Return images of a label that lie as deep in another as the middle one of that, if overlap does not explain so many.

    Scores are taken as normal within a label, with middle and spread that some wrong ones do not change.
    """
    middle, far = np.median(scores[own]), np.median(scores[other])
    spread = float(np.median(np.abs(scores[own] - middle)) / norm.ppf(0.75))
    expected = float(norm.sf((far - middle) / spread)) if spread > 0 else 0.0
    deep = own & (scores >= far)
    n, number = int(own.sum()), int(deep.sum())
    is_more = number > _TIMES_EXPECTED * expected * n and binom.sf(number - 1, n, expected) * tries < UNLIKELY
    return deep if is_more else np.zeros_like(deep)
