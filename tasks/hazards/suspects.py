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
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tasks.association import folds_of
from tasks.domain.profile import Hazard
from tasks.hazards.chance import UNLIKELY
from tasks.hazards.wording import capitalised, count, have
from tasks.probes import flat
from tasks.targets import partition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.hazards.evidence import Evidence

TOLD_WELL_AUC = 0.85
"""Each label must be told from the others as well as this; a tenth of wrong labels lets no model come above 0.9."""
FEWEST = 50
_TIMES_EXPECTED = 3
_COMPONENTS = 20


def of_suspect_labels(evidence: Evidence) -> list[Hazard]:
    """Return images that look plainly like another label than the one that they carry."""
    code = partition(evidence.targets)
    if code is None or len(evidence.targets) < 2:
        return []
    counts = np.bincount(code[code >= 0], minlength=len(evidence.targets))
    chosen = evidence.sample[np.isin(code[evidence.sample], np.flatnonzero(counts >= FEWEST))]
    names, labels = np.unique(code[chosen], return_inverse=True)
    if len(names) < 2:
        return []
    probabilities = _out_of_fold(evidence, chosen, labels)
    if any(roc_auc_score(labels == number, column) < TOLD_WELL_AUC for number, column in enumerate(probabilities.T)):
        return []
    suspects = _suspects(labels, probabilities)
    if not len(suspects):
        return []
    looks_like = names[probabilities[suspects].argmax(axis=1)]
    of = f" of the {len(chosen):,} that were looked at" if len(chosen) < len(evidence.rows) else ""
    number = len(suspects)
    summary = (
        f"{count(number, 'image')}{of} {have(number)} a label that does not fit the picture: by colours and rough layout "
        f"{'it looks' if number == 1 else 'they look'} plainly like another. Are these labels right, or does "
        "something other than the finding set the rest apart?"
    )
    places = evidence.places(chosen[suspects].tolist())
    examples = tuple(
        f"{place}: {evidence.targets[is_now].name}, looks like {evidence.targets[other].name}"
        for place, is_now, other in zip(places, code[chosen[suspects]], looks_like, strict=False)
    )
    return [Hazard(kind="suspect_labels", severity="ask", summary=capitalised(summary), examples=examples)]


def _out_of_fold(evidence: Evidence, chosen: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability of each label by models that have not seen the patient, shape (n_chosen, n_labels)."""
    # Not the edges: a mark there sets images apart that lack it, and their labels may be right.
    features = flat(evidence.thumbnails[chosen][:, 1:-1, 1:-1])
    fold = folds_of(evidence.groups[chosen])
    probabilities = np.full((len(chosen), labels.max() + 1), 1 / (labels.max() + 1))
    for number in np.unique(fold):
        held_out = fold == number
        if len(np.unique(labels[~held_out])) == labels.max() + 1:
            components = min(_COMPONENTS, *(np.array(features[~held_out].shape) - 1))
            model = make_pipeline(
                StandardScaler(), PCA(components, random_state=0), StandardScaler(), LogisticRegression(max_iter=300)
            )
            probabilities[held_out] = model.fit(features[~held_out], labels[~held_out]).predict_proba(
                features[held_out]
            )
    return probabilities


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
