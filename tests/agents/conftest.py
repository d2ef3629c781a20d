"""Profiles in a few words, for tests of what requests mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Attribute, Forecast, LabelCount, Profile
from tasks.domain.request import ColumnRoles

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.semantic_parser import ParsedRequest


def labelled(column: str, labels: dict[str, int], attributes: tuple[str, ...] = ()) -> Profile:
    """Return the profile of a table with one label column and these other columns."""
    total = sum(labels.values())
    return Profile(
        kind="table", roles=ColumnRoles(image="image", label=column, group="patient_id"), n_images=total, n_groups=total // 2, has_groups=True,
        labels=tuple(LabelCount(label=label, images=images, groups=images // 2) for label, images in labels.items()),
        attributes=tuple(Attribute(name=name, kind="categorical", missing=0, values=(), cramers_v=0.1, auc=0.6, auc_label="") for name in attributes),
        quarantined=(), width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(), seconds=1.0,
        forecasts=tuple(
            Forecast(label=label, test_images=images // 7, test_groups=images // 7, auc_half_width=0.03, detectable_difference=0.02)
            for label, images in labels.items()
        ),
    )  # fmt: skip


@pytest.fixture
def understood() -> Callable[..., ParsedRequest]:
    """Return how a request is understood for data with one finding, 9,000 images without it and 1,000 with it."""

    def parse(text: str, finding: str = "tumour", attributes: tuple[str, ...] = ()) -> ParsedRequest:
        return PlaybookSemanticParser().parse(text, labelled(finding, {"0": 9000, "1": 1000}, attributes))

    return parse
