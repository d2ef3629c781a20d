"""What a look at data prints."""

import pandas as pd
import pytest
from PIL import Image

from deployments.preview import investigate


@pytest.mark.parametrize(
    ("group", "said"),
    [("lesion_id", "6 images of 3 lesions"), ("study_id", "6 images of 3 studies"), (None, "6 images")],
)
def test_a_look_calls_groups_as_their_column_does(tmp_path, capsys, group, said):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        Image.effect_noise((16, 16), 50 + number).save(folder / f"img_{number}.png")
    columns = {"image": [f"img_{number}" for number in range(6)], "dx": ["nv", "mel"] * 3}
    groups = {group: [f"G{number // 2}" for number in range(6)]} if group else {}
    pd.DataFrame(columns | groups).to_csv(folder / "table.csv", index=False)
    investigate(folder, out=tmp_path / "profile")
    assert capsys.readouterr().out.splitlines()[0] == said
