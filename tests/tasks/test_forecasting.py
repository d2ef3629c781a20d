import math

import pytest

from tasks.forecasting import auc_half_width, detectable_difference


@pytest.mark.parametrize(
    ("positives", "negatives", "half_width"),
    [(10, 190, 0.115), (25, 475, 0.075), (50, 450, 0.054), (100, 900, 0.039), (200, 800, 0.029), (500, 4500, 0.017)],
)
def test_half_widths_agree_with_the_simulated_table(positives, negatives, half_width):
    assert auc_half_width(positives, negatives) == pytest.approx(half_width, abs=0.0005 + 0.05 * half_width)


@pytest.mark.parametrize(
    ("n", "differences"),
    [
        (300, (0.079, 0.054, 0.027)),
        (1000, (0.044, 0.029, 0.015)),
        (3000, (0.025, 0.016, 0.009)),
        (10000, (0.014, 0.009, 0.005)),
    ],
)
def test_detectable_differences_agree_with_the_simulated_table(n, differences):
    for correlation, difference in zip((0.5, 0.8, 0.95), differences, strict=True):
        ours = detectable_difference(0.2 * n, 0.8 * n, correlation=correlation)
        assert ours == pytest.approx(difference, abs=0.0005 + 0.05 * difference)


def test_too_few_cases_show_nothing():
    assert math.isnan(auc_half_width(1, 100))
    assert math.isnan(detectable_difference(100, 0))
