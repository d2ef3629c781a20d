"""A group within a label that looks apart and is told worse: a hypothesis, found on one half and confirmed on the other.

A result of the label as a whole would hide it. Two groups are believed only where they lie plainly apart: a cloud that is
merely wide has images near its edge that are told worse, and nothing is hidden there.
Source: Oakden-Rayner et al., Hidden Stratification Causes Clinically Meaningful Failures in Machine Learning for Medical
Imaging, ACM CHIL 2020; the mixture after Eyuboglu et al., Domino, ICLR 2022, without its errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from tasks.association import folds_of
from tasks.domain.profile import Hazard
from tasks.hazards.chance import is_surely_lower
from tasks.hazards.wording import count
from tasks.probes import flat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.hazards.evidence import Evidence
    from tasks.hazards.trial import Trial

FEWEST = 100
"""Images of a label that is looked into."""
_FEWEST_IN_GROUP = 20
_SMALLEST_SHARE = 0.05
_COMPONENTS = 3
_BETTER_BIC = 20.0
_APART = 3.0
"""Distance of the middles of two groups, in their spread along it."""
_TOLD_WORSE_AUC = 0.1


def of_hidden_strata(evidence: Evidence) -> list[Hazard]:
    """Return labels of which some images look apart and are told worse than the others."""
    trial = evidence.trial
    if trial is None:
        return []
    found = []
    half = folds_of(evidence.groups[trial.images], 2)
    worthy = np.flatnonzero(np.bincount(trial.labels) >= FEWEST)
    for label in worthy:
        in_group = _group_within(trial.labels == label, half, trial, evidence)
        if in_group is None:
            continue
        worse, better = _confirmed(trial, int(label), in_group, half == 1, tries=len(worthy))
        if worse < better - _TOLD_WORSE_AUC:
            name, number = evidence.targets[trial.numbers[label]].name, int(in_group.sum())
            summary = (
                f"Among the images with {name}, {count(number, 'image')} ({number / (trial.labels == label).sum():.0%}) look apart and "
                f"are told worse by a simple model: AUC {worse:.2f} against {better:.2f}, on images that were not used to find them. "
                "They may be a kind of their own, and a result of all together would hide them: look at some."
            )
            examples = evidence.places(trial.images[in_group].tolist(), most=10)
            found.append(Hazard(kind="hidden_stratum", severity="report", summary=summary, examples=examples))
    return found


def _group_within(
    own: NDArray[np.bool_], half: NDArray[np.int64], trial: Trial, evidence: Evidence
) -> NDArray[np.bool_] | None:
    """Return which images of a label belong to the group that is told worse, found on the first half; None if there is none."""
    pixels = flat(evidence.thumbnails[trial.images])
    learned = own & (half == 0)
    if learned.sum() < 2 * _FEWEST_IN_GROUP:
        return None
    reduction = PCA(_COMPONENTS, random_state=0).fit(pixels[learned])
    seen = reduction.transform(pixels)
    one, two = (GaussianMixture(n, random_state=0, n_init=2, reg_covar=1e-3).fit(seen[learned]) for n in (1, 2))
    if one.bic(seen[learned]) - two.bic(seen[learned]) < _BETTER_BIC or _distance(two) < _APART:
        return None
    group = two.predict(seen)
    score = np.log(trial.probabilities[np.arange(len(group)), trial.labels])
    shares = [float((group[learned] == number).mean()) for number in (0, 1)]
    if min(shares) < _SMALLEST_SHARE:
        return None
    worse = int(np.argmin([np.median(score[learned & (group == number)]) for number in (0, 1)]))
    return np.asarray(own & (group == worse))


def _distance(mixture: GaussianMixture) -> float:
    """Return how far two groups lie apart, in their mean spread along the line between them."""
    between = mixture.means_[1] - mixture.means_[0]
    length = float(np.linalg.norm(between))
    line = between / max(length, 1e-12)
    spread = np.mean([np.sqrt(line @ covariance @ line) for covariance in mixture.covariances_])
    return length / max(float(spread), 1e-12)


def _confirmed(
    trial: Trial, label: int, in_group: NDArray[np.bool_], here: NDArray[np.bool_], *, tries: int
) -> tuple[float, float]:
    """Return the AUC of the group and of the others of its label against all other labels; nan if it may be chance."""
    scores = trial.probabilities[:, label]
    others, rest = here & (trial.labels == label) & ~in_group, here & (trial.labels != label)
    group = here & in_group
    if min(group.sum(), others.sum()) < _FEWEST_IN_GROUP or not is_surely_lower(
        scores[group], scores[others], tries=tries
    ):
        return float("nan"), float("nan")
    aucs = [
        float(roc_auc_score(np.r_[np.ones(part.sum()), np.zeros(rest.sum())], np.r_[scores[part], scores[rest]]))
        for part in (group, others)
    ]
    return aucs[0], aucs[1]
