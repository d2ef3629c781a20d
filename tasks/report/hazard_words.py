"""What hazards and their severities are called on the page of an investigation."""

from __future__ import annotations

SEVERITIES = {
    "block": ("stops the study", "bad", "No model is trained before this is mended."),
    "ask": ("please answer", "warn", "Only you can tell. A model can be trained, and the answer says what its result is worth."),
    "warn": ("take care", "warn", "Nothing need be done, but a result must be read with it in mind."),
    "report": ("for information", "", "What anybody who uses these data should know."),
}  # fmt: skip
"""Words, tone of the chip, and what they mean, by severity."""

TITLES = {
    "leakage": "Training and test share cases",
    "mixed_supervision": "Annotated in different ways",
    "unboxed_positives": "Images without boxes are no negatives",
    "unusable_boxes": "Boxes that cannot be used",
    "box_label_disagreement": "Boxes against labels",
    "rater_disagreement": "Readers differ",
    "no_labels": "No labels",
    "missing_labels": "Labels are missing",
    "uncertain_labels": "Uncertain labels",
    "conflicting_labels": "Different labels for the same",
    "suspect_labels": "Labels that do not fit their picture",
    "shortcut": "A column gives the label away",
    "metadata_shortcut": "The columns together give the label away",
    "storage_shortcut": "Stored differently",
    "border_shortcut": "The edge gives the label away",
    "coarse_picture": "Colours give the label away",
    "missing_values": "Values are missing",
    "hidden_stratum": "A group within a label",
    "verification_bias": "Confirmed in different ways",
    "site_effect": "Hospital or scanner matters",
    "burned_in_text": "Writing in the picture",
    "laterality": "Left is not right",
    "mixed_modality": "Several modalities",
    "mixed_photometric": "Grey values stored in several ways",
    "mixed_view": "Several views",
    "no_groups": "Patients are not named",
    "exact_duplicates": "The same picture twice",
    "near_duplicates": "Almost the same picture",
    "tiny_class": "Very few images of a label",
    "class_imbalance": "A rare label",
    "few_negatives": "Hardly any image without it",
    "tiny_cell": "Small subgroups",
    "empty_cell": "Missing from the test",
    "temporal_order": "The test lies in the past",
    "follow_up": "Taken after the finding was known",
    "personal_data": "May say who somebody is",
    "unusable_files": "Left out",
    "skipped_attribute": "Columns that were not compared",
}
"""A few words for each kind of hazard."""


def title_of(kind: str) -> str:
    """Return a few words for a kind of hazard, its own name if it has none."""
    return TITLES.get(kind, kind.replace("_", " ").capitalize())
