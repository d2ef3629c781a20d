"""Labels that do not fit their picture, planted among pictures that show the label plainly, hardly, or not at all."""

import numpy as np
import pytest

IMAGES = 600


@pytest.fixture
def shown(clean, repainted):
    """Return clean data whose pictures of mel are darker by a share; each image is a patient of its own."""

    def make(share, spread=0.0):
        manifest = clean()
        sick = (manifest.rows["label"] == "mel").to_numpy()
        light = np.random.default_rng(0).normal(1, spread, IMAGES) - share * sick
        manifest.rows["group"] = manifest.rows["image_id"]
        return repainted(manifest, lambda number, pixels: np.uint8(np.clip(pixels * light[number], 0, 255)))

    return make


def exchanged(manifest, number):
    wrong = np.random.default_rng(1).choice(IMAGES, number, replace=False)
    now = manifest.rows["label"].to_numpy(copy=True)
    now[wrong] = np.where(now[wrong] == "mel", "nv", "mel")
    manifest.rows["label"] = now
    return manifest, set(wrong.tolist())


@pytest.mark.parametrize("number", [6, 30, 60])
def test_exchanged_labels_are_asked_about_and_named_apart(shown, look, number):
    manifest, wrong = exchanged(shown(0.4, spread=0.02), number)
    hazard = look(manifest).one("suspect_labels")
    assert hazard.severity == "ask"
    assert ".png" not in hazard.summary
    rows = {int(example.split(".png")[0]) for example in hazard.examples}
    assert len(rows & wrong) >= 0.9 * len(rows)
    assert len(rows) >= min(20, 0.4 * number)
    assert "looks like" in hazard.examples[0]


@pytest.mark.parametrize(("share", "spread"), [(0.4, 0.02), (0.4, 0.15), (0.2, 0.1), (0.0, 0.1)])
def test_labels_that_are_right_raise_no_suspicion_however_much_they_overlap(shown, look, share, spread):
    assert look(shown(share, spread)).of("suspect_labels") == []


def test_a_label_that_no_simple_model_tells_is_not_judged(clean, look):
    assert look(exchanged(clean(), 60)[0]).of("suspect_labels") == []
