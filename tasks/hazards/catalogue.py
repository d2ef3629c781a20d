"""The one list of all checks; boxes and readings, which need facts of their own, are checked by the investigation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.hazards import (
    classes,
    copies,
    files,
    leakage,
    missing,
    orientation,
    personal,
    pictures,
    provenance,
    shortcuts,
    storing,
    strata,
    supervision,
    suspects,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.domain.profile import Forecast, Hazard, LabelCount
    from tasks.hazards.evidence import Evidence
    from tasks.personal_data import Suspicion


def hazards_of(
    evidence: Evidence,
    labels: Sequence[LabelCount],
    forecasts: Sequence[Forecast],
    suspicions: Sequence[Suspicion],
) -> list[Hazard]:
    """Return all dangers but those of boxes and readings; of one severity, the first is told first."""
    return [
        *leakage.of_splits(evidence),
        *supervision.of_mixed_supervision(evidence),
        *classes.of_missing_labels(evidence),
        *copies.of_conflicts(evidence),
        *suspects.of_suspect_labels(evidence),
        *shortcuts.of_attributes(evidence),
        *shortcuts.of_metadata(evidence),
        *missing.of_missing_values(evidence),
        *storing.of_storing(evidence),
        *pictures.of_pictures(evidence),
        *strata.of_hidden_strata(evidence),
        *provenance.of_verification(evidence),
        *provenance.of_sites(evidence),
        *orientation.of_writing(evidence),
        *orientation.of_laterality(evidence),
        *files.of_kinds_of_pictures(evidence),
        *leakage.of_missing_groups(evidence),
        *copies.of_duplicates(evidence),
        *classes.of_labels(evidence, labels, forecasts),
        *classes.of_cells(evidence),
        *leakage.of_time(evidence),
        *personal.of_tables(suspicions),
        *personal.of_photographs(evidence),
        *personal.of_headers(evidence),
        *files.of_files(evidence),
    ]
