import math

import numpy as np
import pandas as pd
import pytest

from tasks.association import cramers_v
from tasks.association import measure as measure_targets
from tasks.targets import Target, targets_of_labels


@pytest.fixture
def random():
    return np.random.default_rng(3)


def measure(name, values, labels, groups):
    return measure_targets(name, values, targets_of_labels(labels), pd.factorize(groups)[0])


def images(random, n=1000):
    labels = pd.Series(np.where(random.random(n) < 0.3, "mel", "nv"))
    return labels, pd.Series([f"p{number // 2}" for number in range(n)])


def test_cramers_v_of_a_published_form_is_matched_by_hand():
    table = np.array([[40, 10], [20, 30]])
    one = np.repeat([0, 0, 1, 1], table.ravel())
    other = np.repeat([0, 1, 0, 1], table.ravel())
    phi2 = (40 * 30 - 10 * 20) ** 2 / (50 * 50 * 60 * 40) - 1 / 99
    assert cramers_v(one, other) == pytest.approx(math.sqrt(phi2 / (2 - 1 / 99 - 1)))


def test_cramers_v_is_one_for_copies_and_about_nothing_for_noise(random):
    codes = random.integers(0, 4, 2000)
    assert cramers_v(codes, codes) == pytest.approx(1.0)
    assert cramers_v(codes, random.integers(0, 3, 2000)) < 0.05
    assert math.isnan(cramers_v(codes, np.zeros(2000, dtype=int)))


def test_an_attribute_without_meaning_guesses_nothing(random):
    labels, groups = images(random)
    attribute = measure("sex", pd.Series(random.choice(["m", "f"], 1000)), labels, groups)
    assert attribute.auc == pytest.approx(0.5, abs=0.05)
    assert attribute.determined == ()


def test_a_value_that_all_images_of_a_label_have_is_told(random):
    labels, groups = images(random)
    proven = pd.Series(np.where((labels == "mel") | (random.random(1000) < 0.4), "histo", "follow_up"))
    attribute = measure("dx_type", proven, labels, groups)
    assert attribute.determined == (("mel", "histo"),)
    assert attribute.auc == pytest.approx(0.8, abs=0.05)
    assert dict(attribute.values)["histo"] == (proven == "histo").sum()


def test_a_number_may_matter_at_both_ends(random):
    labels, groups = images(random)
    distance = random.normal(0, 1, 1000) * np.where(labels == "mel", 3, 0.5)
    attribute = measure("offset", pd.Series(distance), labels, groups)
    assert attribute.kind == "numeric"
    assert attribute.auc > 0.85
    assert len(attribute.values) == 5


def test_missing_values_can_betray_a_label(random):
    labels, groups = images(random)
    age = pd.Series(random.integers(20, 80, 1000).astype(float)).where(labels == "nv")
    attribute = measure("age", age, labels, groups)
    assert attribute.missing == (labels == "mel").sum()
    assert attribute.auc > 0.95


def test_rare_values_are_not_shown(random):
    labels, groups = images(random)
    names = pd.Series(["clinic"] * 998 + ["Dr. A", "Dr. B"])
    attribute = measure("by", names, labels, groups)
    assert attribute.values == (("clinic", 998), ("other", 2))  # noqa: PD011 - no data frame


def test_an_auc_of_a_handful_is_not_computed():
    labels = pd.Series(["mel"] * 5 + ["nv"] * 100)
    attribute = measure("site", pd.Series(["a", "b", "c"] * 35), labels, pd.Series([str(i) for i in range(105)]))
    assert math.isnan(attribute.auc)
    assert attribute.auc_label == ""


def test_a_finding_counts_only_where_it_is_known(random):
    groups = np.arange(900)
    effusion = np.where(random.random(900) < 0.3, 1.0, 0.0)
    drain = pd.Series(np.where(effusion == 1, "yes", "no"))
    effusion[600:] = np.nan
    drain[600:] = random.choice(["yes", "no"], 300)
    noise = Target(name="noise", truth=(random.random(900) < 0.5).astype(float))
    attribute = measure_targets("drain", drain, (noise, Target(name="effusion", truth=effusion)), groups)
    assert attribute.auc == pytest.approx(1.0)
    assert attribute.auc_label == "effusion"
    assert attribute.cramers_v == pytest.approx(1.0, abs=0.01)
    assert attribute.determined == (("effusion", "yes"),)
