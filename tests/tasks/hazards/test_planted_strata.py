"""A group within a label that is told worse, planted; and labels that are merely wide."""

import numpy as np
import pytest

IMAGES = 600


@pytest.fixture
def drawn(clean, repainted):
    """Return data whose pictures of mel are darker, but for a share of all images, which are green and do not show it."""

    def make(green_share, *, spread=0.1):
        manifest = clean()
        sick = (manifest.rows["label"] == "mel").to_numpy()
        random = np.random.default_rng(0)
        green, light = random.random(IMAGES) < green_share, random.normal(1, spread, IMAGES)
        manifest.rows["group"] = manifest.rows["image_id"]

        def paint(number, pixels):
            tint = [0.5, 1, 0.5] if green[number] else [0.7 if sick[number] else 1] * 3
            return np.uint8(np.clip(pixels * tint * light[number], 0, 255))

        return repainted(manifest, paint), green & sick

    return make


def test_a_group_that_does_not_show_the_finding_is_reported_as_a_hypothesis(drawn, look):
    manifest, hidden = drawn(0.3)
    found = look(manifest)
    hazard = next(item for item in found.of("hidden_stratum") if "images with mel" in item.summary)
    assert hazard.severity == "report"
    assert "not used to find them" in hazard.summary
    rows = [int(example.split(".png")[0]) for example in hazard.examples]
    assert np.mean(hidden[rows]) >= 0.9


@pytest.mark.parametrize("spread", [0.02, 0.15, 0.3])
def test_a_label_that_is_merely_wide_hides_no_group(drawn, look, spread):
    assert look(drawn(0.0, spread=spread)[0]).of("hidden_stratum") == []
