"""Columns and pictures of pure chance raise no alarm, however many there are of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.attributes import examine
from tasks.domain.manifest import Manifest
from tasks.domain.request import ColumnRoles
from tasks.duplicates import Duplicates
from tasks.hazards import leakage, missing, pictures, provenance, shortcuts
from tasks.hazards.evidence import Evidence
from tasks.targets import targets_of


def by_chance(seed, n, n_labels):
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "file": [f"{number}.png" for number in range(n)],
            "row": np.arange(n),
            "label": pd.Series(random.choice([f"label {code}" for code in range(n_labels)], n), dtype="str"),
            "group": [f"p{number // 2}" for number in range(n)],
            "split": random.choice(["train", "test"], n),
        }
    )
    columns = {f"number {code}": pd.Series(random.normal(size=n)) for code in range(4)}
    columns |= {f"kind {code}": pd.Series(random.choice(list("abcde"), n)) for code in range(4)}
    columns["scanner"] = pd.Series(random.choice(["A", "B"], n))
    columns["lab"] = pd.Series(random.normal(size=n)).mask(random.random(n) < 0.15)
    day = random.permutation(n)[np.arange(n) // 2]
    columns["study_date"] = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D")).dt.strftime(
        "%Y-%m-%d"
    )
    columns["dx_type"] = pd.Series(random.choice(["histo", "follow_up", "consensus"], n))
    manifest = Manifest(rows=rows, images=Path(), kind="table", roles=ColumnRoles(group="patient"))
    targets, nowhere = targets_of(manifest), np.full(n, -1)
    return Evidence(
        manifest=manifest,
        targets=targets,
        duplicates=Duplicates(sets=nowhere, exact=nowhere, near=np.zeros((0, 2), dtype=np.int64)),
        columns=columns,
        attributes=examine(columns, targets, pd.factorize(rows["group"])[0])[0],
        thumbnails=random.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8),
        borders=random.integers(0, 256, (n, 144, 3), dtype=np.uint8),
        test_fraction=0.15,
    )


@pytest.mark.parametrize(("n", "n_labels"), [(60, 2), (150, 4), (400, 7)])
def test_chance_is_not_taken_for_a_shortcut(n, n_labels):
    checks = (
        shortcuts.of_attributes,
        shortcuts.of_metadata,
        missing.of_missing_values,
        leakage.of_time,
        pictures.of_pictures,
        provenance.of_sites,
    )
    for seed in range(8):
        evidence = by_chance(seed, n, n_labels)
        assert [hazard.summary for check in checks for hazard in check(evidence)] == []
