"""Every check is told with its outcome: found, nothing found, or not possible and why."""

import re
from pathlib import Path

import numpy as np
import pytest

from tasks import hazards
from tasks.hazards.coverage import _CHECKS
from tasks.report.hazard_words import TITLES

KINDS = {
    kind
    for file in Path(hazards.__file__).parent.glob("*.py")
    for kind in re.findall(r'kind="([a-z_]+)"', file.read_text())
}


@pytest.fixture
def outcomes(clean, look):
    def of(**attributes):
        return {check.what: (check.outcome, check.reason) for check in look(clean(**attributes)).profile.checks}

    return of


def test_each_kind_of_hazard_belongs_to_a_check_and_has_a_title():
    assert len(KINDS) > 25
    assert set(TITLES) >= KINDS
    assert {kind for _, kinds, _ in _CHECKS for kind in kinds} >= KINDS


def test_what_the_data_do_not_tell_is_said_to_be_unchecked_with_the_reason(outcomes):
    told = outcomes()
    assert told["Effects of hospital or scanner"] == ("not possible", "no column names a hospital, scanner or camera")
    assert told["A test that lies before the training"] == ("not possible", "the data bring no splits")
    assert told["Boxes that cannot be used, or contradict the labels"][0] == "not possible"
    assert "do not tell the labels well enough" in told["Labels that do not fit their picture"][1]
    assert told["Labels that the edge of the picture gives away"] == ("nothing", "")


def test_what_was_looked_for_in_vain_is_told_apart_from_what_was_found(outcomes):
    hospital = np.random.default_rng(0).choice(["A", "B"], 600)
    told = outcomes(hospital=hospital, side=np.random.default_rng(1).choice(["left", "right"], 600))
    assert told["Effects of hospital or scanner"] == ("nothing", "")
    assert told["Sides of the body, which forbid mirroring"] == ("found", "")
