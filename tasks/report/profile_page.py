"""The page of an investigation: what is in the data, and what is wrong with it, for a clinician.

One HTML file with everything inside; all text from the data is escaped; the page holds no script.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.report.hazard_words import SEVERITIES, title_of

if TYPE_CHECKING:
    from tasks.domain.profile import Attribute, Profile

_FOLDER = Path(__file__).parent
_MOST_FILES = 50
_CARRIED = {
    "boxes": "looked at for boxes",
    "mask": "a mask",
    "label": "a label of the whole image",
    "none": "no label",
}
_OUTCOMES = {
    "found": ("found, see above", "warn"),
    "nothing": ("nothing found", "good"),
    "not possible": ("could not be checked", ""),
}
_FORMATS = {
    "table": "a table with a label for each image",
    "one_hot": "a table with a column for each class",
    "multi_label": "a table of findings that can occur together",
    "class_folders": "one folder for each class; the label is the name of the folder",
    "coco": "boxes in COCO format",
    "yolo": "boxes in YOLO format",
    "voc": "boxes in Pascal VOC format",
    "boxes_table": "a table of boxes",
    "rle": "a table of run-length masks",
    "mask_images": "images of masks",
    "unlabelled": "images alone, without labels",
}


def profile_page(profile: Profile) -> str:
    """Return the findings of an investigation as one HTML page, hazards first."""
    page = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters |= {"decimals": _decimals, "points": _points, "share": _share}
    return page.get_template(
        "profile.html.j2"
    ).render(
        profile=profile,
        styles=Markup((_FOLDER / "styles.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        unit=profile.roles.unit,
        hazards=[(hazard, title_of(hazard.kind), *SEVERITIES[hazard.severity][:2]) for hazard in profile.hazards],
        meanings=[SEVERITIES[name] for name in SEVERITIES if any(item.severity == name for item in profile.hazards)],
        outcomes=_OUTCOMES,
        probes=[(probe, min(1.0, probe.auc + probe.half_width)) for probe in profile.picture_probes],
        needs_answer=any(hazard.severity in {"block", "ask"} for hazard in profile.hazards),
        most_images=max((label.images for label in profile.labels), default=0),
        carried=[(_CARRIED[item.kind], item.images) for item in profile.supervision],
        counts_masks=any(item.kind == "mask" for item in profile.supervision),
        format=_FORMATS[profile.kind],
        label_columns=_label_columns(profile),
        attributes=[(attribute, _values(attribute)) for attribute in profile.attributes],
        reasons=Counter(item.reason for item in profile.quarantined).most_common(),
        files=profile.quarantined[:_MOST_FILES],
        files_left_out=max(0, len(profile.quarantined) - _MOST_FILES),
    )


def _label_columns(profile: Profile) -> list[tuple[str, str]]:
    """Return which columns say what is in the images, with what each is called."""
    roles = profile.roles
    named = [
        ("Label", (roles.label,) if roles.label else ()),
        ("One column a class", roles.one_hot),
        ("One column a finding", roles.findings),
        ("One column a reader", roles.annotators),
        ("Reader", (roles.annotator,) if roles.annotator else ()),
        ("Box", roles.boxes),
        ("Run-length mask", (roles.rle,) if roles.rle else ()),
    ]
    return [(title, ", ".join(columns)) for title, columns in named if columns]


def _values(attribute: Attribute) -> str:
    if attribute.kind == "numeric":
        low, first, middle, third, high = (text for text, _ in attribute.values)
        return f"{low} to {high}; half lie between {first} and {third}, the middle is {middle}"
    if len(attribute.values) == 1:
        return f"{attribute.values[0][1]:,}, each value seldom"
    return ", ".join(f"{text} ({count:,})" for text, count in attribute.values)


def _decimals(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.2f}"


def _points(value: float) -> str:
    return "too few to say" if math.isnan(value) else f"{value:.3f}"


def _share(value: float) -> str:
    return f"{value:.1%}"
