"""How well coarse pictures tell labels that exclude each other, image by image: what confident learning starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tasks.association import folds_of
from tasks.probes import flat
from tasks.targets import partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.targets import Target

TOLD_WELL_AUC = 0.85
"""Each label must be told from the others as well as this; a tenth of wrong labels lets no model come above 0.9."""
FEWEST = 50
_COMPONENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How well coarse pictures tell labels that exclude each other."""

    images: NDArray[np.int64]
    labels: NDArray[np.int64]
    """From 0, shape (n_images,)."""
    numbers: NDArray[np.int64]
    """The target that each label is, shape (n_labels,)."""
    probabilities: NDArray[np.float64]
    """Shape (n_images, n_labels)."""

    @property
    def is_good(self) -> bool:
        """Return whether every label is told well."""
        return all(
            roc_auc_score(self.labels == number, column) >= TOLD_WELL_AUC
            for number, column in enumerate(self.probabilities.T)
        )


def trial_of(
    thumbnails: NDArray[np.uint8], targets: Sequence[Target], groups: NDArray[np.int64], images: NDArray[np.int64]
) -> Trial | None:
    """Return the labels of 50 images or more with their probabilities, None if there are fewer than two of them.

    Args:
        thumbnails: Coarse pictures of all images, shape (n, 8, 8, 3).
        targets: Labels of all images.
        groups: Number of the patient or lesion of each image, shape (n,).
        images: Numbers of the images to look at.
    """
    code = partition(targets)
    if code is None:
        return None
    counts = np.bincount(code[code >= 0], minlength=len(targets))
    chosen = images[np.isin(code[images], np.flatnonzero(counts >= FEWEST))]
    numbers, labels = np.unique(code[chosen], return_inverse=True)
    if len(numbers) < 2:
        return None
    # Not the edges: a mark there sets images apart that lack it, and their labels may be right.
    features = flat(thumbnails[chosen][:, 1:-1, 1:-1])
    return Trial(
        images=chosen, labels=labels, numbers=numbers, probabilities=_out_of_fold(features, labels, groups[chosen])
    )


def _out_of_fold(
    features: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the probability of each label by models that have not seen the patient, shape (n_images, n_labels)."""
    fold = folds_of(groups)
    probabilities = np.full((len(labels), labels.max() + 1), 1 / (labels.max() + 1))
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
