"""What tells the label without the finding, planted one by one."""

import numpy as np
import pytest

IMAGES = 600


def is_mel(manifest):
    return (manifest.rows["label"] == "mel").to_numpy()


def going_with(manifest, share_in_mel, share_in_nv, seed=0):
    draws = np.random.default_rng(seed).random(IMAGES)
    return draws < np.where(is_mel(manifest), share_in_mel, share_in_nv)


def test_a_drain_that_goes_with_the_label_is_asked_about(clean, look):
    manifest = clean()
    manifest.rows["attribute.drain"] = np.where(going_with(manifest, 0.6, 0.05), "yes", "no")
    found = look(manifest)
    hazard = found.one("shortcut")
    assert hazard.severity == "ask"
    assert "drain" in hazard.summary
    assert found.alarms == {"shortcut"}


def test_columns_that_tell_the_label_only_together_are_asked_about(clean, look):
    manifest = clean()
    for number in range(6):
        manifest.rows[f"attribute.lab_{number}"] = np.where(
            going_with(manifest, 0.57, 0.43, seed=number), "high", "low"
        )
    found = look(manifest)
    assert found.of("shortcut") == []
    hazard = found.one("metadata_shortcut")
    assert hazard.severity == "ask"
    assert "95% interval" in hazard.summary


def test_a_label_proven_in_one_way_only_is_reported_as_verification_bias(clean, look):
    manifest = clean()
    manifest.rows["attribute.dx_type"] = np.where(going_with(manifest, 1.0, 0.3), "histo", "follow_up")
    found = look(manifest)
    hazard = found.one("verification_bias")
    assert hazard.severity == "report"
    assert "mel by histo in 100%" in hazard.summary
    assert found.one("shortcut").severity == "ask"


def test_a_marker_in_the_corner_is_asked_about(clean, look, repainted):
    manifest = clean()
    marked = going_with(manifest, 0.9, 0.1)

    def paint(number, pixels):
        if marked[number]:
            pixels[1:3, 1:5] = 255
        return pixels

    found = look(repainted(manifest, paint))
    hazard = found.one("border_shortcut")
    assert hazard.severity == "ask"
    assert "outer tenth" in hazard.summary
    assert found.alarms == {"border_shortcut"}


def test_a_lesion_that_differs_in_colour_is_only_context(clean, look, repainted):
    manifest = clean()
    dark = going_with(manifest, 0.85, 0.15)

    def paint(number, pixels):
        if dark[number]:
            pixels[8:16, 8:16] //= 2
        return pixels

    found = look(repainted(manifest, paint))
    assert found.one("coarse_picture").severity == "report"
    assert found.alarms == set()


def test_a_site_with_more_of_a_label_and_another_tint_is_reported(clean, look, repainted):
    manifest = clean()
    at_b = going_with(manifest, 0.62, 0.35, seed=1)[np.arange(IMAGES) // 2 * 2]  # a patient goes to one hospital
    manifest.rows["attribute.hospital"] = np.where(at_b, "B", "A")

    def paint(number, pixels):
        return np.uint8(pixels * 0.9) if at_b[number] else pixels

    found = look(repainted(manifest, paint))
    hazard = found.one("site_effect")
    assert hazard.severity == "report"
    assert "Of the images with hospital = B, 64% show mel" in hazard.summary
    assert "the picture gives away hospital" in hazard.summary
    assert "shortcut" not in found.alarms


def test_a_site_of_the_body_is_no_hospital(clean, look):
    manifest = clean()
    manifest.rows["attribute.site"] = np.where(going_with(manifest, 0.6, 0.4), "back", "lower leg")
    assert look(manifest).of("site_effect") == []


def test_an_age_that_is_missing_for_one_label_is_reported(clean, look):
    manifest = clean()
    manifest.rows["attribute.age"] = manifest.rows["attribute.age"].mask(going_with(manifest, 0.25, 0.05))
    hazard = look(manifest).one("missing_values")
    assert hazard.severity == "report"
    assert "of the images with" in hazard.summary


def test_an_age_that_one_hospital_does_not_write_down_is_reported(clean, look):
    manifest = clean()
    hospital = np.random.default_rng(5).choice(["A", "B"], IMAGES)
    manifest.rows["attribute.hospital"] = hospital
    manifest.rows["attribute.age"] = manifest.rows["attribute.age"].mask(hospital == "B")
    assert "with hospital = " in look(manifest).one("missing_values").summary


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("laterality", ["L", "R"]),
        ("side", ["left", "right"]),
        ("eye", ["OD", "OS"]),
        ("marker", ["L", "none"]),
    ],
)
def test_sides_forbid_flips(clean, few, look, name, values):
    manifest = few(clean(**{name: np.random.default_rng(0).choice(values, IMAGES)}))
    hazard = look(manifest).one("laterality")
    assert hazard.severity == "warn"
    assert "must not be mirrored" in hazard.summary


def test_a_ruler_may_be_mirrored_but_is_asked_about(clean, few, look):
    found = look(few(clean(ruler=np.random.default_rng(0).choice(["yes", "no"], IMAGES))))
    assert found.of("laterality") == []
    assert found.one("burned_in_text").severity == "ask"


def test_labels_of_one_side_forbid_flips(clean, look):
    manifest = clean()
    manifest.rows["label"] = np.where(is_mel(manifest), "left pneumothorax", "none")
    assert "labels are about one side" in look(manifest).one("laterality").summary


@pytest.mark.parametrize(("name", "words"), [("burned_in_annotation", ["YES", "NO"]), ("burned_in_text", ["1", "0"])])
def test_writing_in_the_picture_is_asked_about(clean, few, look, name, words):
    manifest = few(clean(**{name: np.random.default_rng(0).choice(words, IMAGES, p=[0.1, 0.9])}))
    hazard = look(manifest).one("burned_in_text")
    assert hazard.severity == "ask"
    assert hazard.examples


def test_pictures_of_several_kinds_are_asked_about(clean, few, look):
    random = np.random.default_rng(0)
    manifest = clean(
        modality=random.choice(["CR", "DX"], IMAGES),
        photometric_interpretation=random.choice(["MONOCHROME1", "MONOCHROME2"], IMAGES),
        view=random.choice(["PA", "AP"], IMAGES),
    )
    found = look(few(manifest))
    assert found.one("mixed_modality").severity == "ask"
    assert found.one("mixed_photometric").severity == "report"
    assert found.one("mixed_view").severity == "report"


def test_a_label_whose_pictures_are_larger_is_asked_about(clean, look, repainted):
    manifest = clean()
    large = going_with(manifest, 0.8, 0.1)
    found = look(repainted(manifest, lambda number, pixels: np.repeat(pixels, 1 + large[number], axis=1)))
    hazard = found.one("storage_shortcut")
    assert hazard.severity == "ask"
    assert "The width in pixels alone tells" in hazard.summary
    assert "the height in pixels" not in hazard.summary


def test_a_label_whose_pictures_are_grey_is_asked_about(clean, look, repainted):
    manifest = clean()
    grey = going_with(manifest, 0.8, 0.1)
    found = look(repainted(manifest, lambda number, pixels: pixels[..., 0] if grey[number] else pixels))
    assert "grey or in colour alone tells" in found.one("storage_shortcut").summary


def test_sizes_that_have_nothing_to_do_with_the_label_raise_no_alarm(clean, look, repainted):
    manifest = clean()
    large = np.random.default_rng(0).random(IMAGES) < 0.5
    found = look(repainted(manifest, lambda number, pixels: np.repeat(pixels, 1 + large[number], axis=1)))
    assert found.alarms == set()
