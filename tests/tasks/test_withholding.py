from __future__ import annotations

import pandas as pd
import pytest

from tasks.withholding import WITHHELD, Withholder


def rows(**columns: list[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    given = {
        "file": [f"ward 3/JOHN_SMITH_{number}.png" for number in range(count)],
        "group": [f"P-{1000 + number}" for number in range(count)],
        "label": ["mel"] * count,
        **columns,
    }
    return pd.DataFrame(given)


@pytest.fixture
def withholder() -> Withholder:
    names = ["Ada Lovelace", "Grace Hopper", *["unknown"] * 8]
    return Withholder(rows(**{"attribute.referrer": names, "attribute.sex": ["female", "male"] * 5}))


@pytest.mark.parametrize(
    "secret",
    ["Ada Lovelace", "ada  lovelace", "GRACE HOPPER", "JOHN_SMITH_3.png", "john_smith_3", "P-1004"],
)  # fmt: skip
def test_names_files_and_patients_are_withheld_however_they_are_written(withholder: Withholder, secret: str) -> None:
    shown = withholder.withhold(f'File "/data/{secret}", line 3: bad value ({secret}).')
    assert secret.lower() not in shown.lower()
    assert shown.count(WITHHELD) == 2
    assert shown.startswith('File "/data/')


@pytest.mark.parametrize("common", ["female", "unknown", "mel", "ward 3"])
def test_what_many_patients_share_is_told(withholder: Withholder, common: str) -> None:
    assert withholder.withhold(f"{common} is a category") == f"{common} is a category"


def test_numbers_of_a_log_are_left_alone_and_long_numbers_of_patients_are_not() -> None:
    withholder = Withholder(rows(group=["64", "1234567"]))
    assert withholder.withhold("batch 64 of patient 1234567") == f"batch 64 of patient {WITHHELD}"


def test_a_part_of_a_longer_word_is_no_name(withholder: Withholder) -> None:
    assert withholder.withhold("adalovelace P-10045") == "adalovelace P-10045"


def test_a_text_without_any_name_stays_as_it_is(withholder: Withholder) -> None:
    log = "metric epoch=1 loss=0.53\n\ttrain.py:12 RuntimeError('size 64')\n"
    assert withholder.withhold(log) == log
