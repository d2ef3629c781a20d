"""Where a model falls short on validation, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import log_loss as reference_loss

from tasks.scoring.shortfall import LISTED, confusions, log_loss


@pytest.mark.parametrize("n_classes", [2, 7])
def test_the_log_loss_is_scikit_learns(n_classes):
    rng = np.random.default_rng(3)
    scores = rng.dirichlet(np.ones(n_classes), size=500)
    labels = rng.integers(n_classes, size=500)
    assert log_loss(labels, scores) == pytest.approx(reference_loss(labels, scores, labels=range(n_classes)), rel=1e-12)


def test_one_sure_mistake_does_not_make_the_loss_infinite():
    assert log_loss([0, 1], [[1.0, 0.0], [1.0, 0.0]]) == pytest.approx(-np.log(1e-7) / 2)


def test_confusions_are_counted_with_the_frequency_of_classes_taken_out():
    # Every image has its largest probability for the common class; above its own mean each class is told nearly rightly.
    labels = [0, 0, 0, 0, 1, 1]
    scores = [[0.95, 0.05], [0.95, 0.05], [0.95, 0.05], [0.7, 0.3], [0.6, 0.4], [0.95, 0.05]]
    found = confusions(labels, scores, classes=("nv", "mel"))
    assert [(item.true, item.called, item.images, item.part) for item in found] == [
        ("mel", "nv", 1, 0.5),
        ("nv", "mel", 1, 0.25),
    ]


def test_nothing_confused_is_an_empty_list_and_many_are_cut_to_the_largest():
    assert confusions([0, 1], [[0.9, 0.1], [0.1, 0.9]], classes=("nv", "mel")) == ()
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(6, size=600), rng.dirichlet(np.ones(6), size=600)
    found = confusions(labels, scores, classes=tuple("abcdef"))
    assert len(found) == LISTED
    assert [item.part for item in found] == sorted((item.part for item in found), reverse=True)


def test_a_class_that_is_never_foretold_is_no_division_by_zero():
    found = confusions([0, 1, 1], [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], classes=("nv", "mel"))
    assert [(item.true, item.part) for item in found] == [("mel", 1.0)]
