"""How several readings of an image become one, and how far the readers agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.domain.profile import Annotator
from tasks.readers.uncertain import ABSENT, PRESENT, UNCERTAIN

MAJORITY, ANY, ALL = "majority", "any", "all"
_EVEN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far several readers agree."""

    annotators: tuple[Annotator, ...]
    """By name."""
    disagreement: float
    """Share of the images read more than once whose readings differ in any finding, 0 to 1; nan if none was."""


def votes(values: pd.Series[float]) -> pd.Series[float]:
    """Return readings as votes: a confidence above one half for, below it against, one half itself uncertain."""
    numbers = values.astype(float).to_numpy()
    told = np.where(numbers > _EVEN, PRESENT, np.where(numbers < _EVEN, ABSENT, UNCERTAIN))
    told = np.where(numbers == UNCERTAIN, UNCERTAIN, told)
    return pd.Series(np.where(np.isnan(numbers), np.nan, told), index=values.index)


def aggregated(readings: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Return one value for each row and finding.

    Args:
        readings: Columns `row`, `finding`, `annotator`, `value`; several values for a row and finding.
        rule: `majority`: what was said most often, and where two answers are tied -1 (for labels: the empty string).
            `any`: present if anybody said so, else uncertain if anybody was, else absent.
            `all`: absent if anybody said so, else uncertain if anybody was, else present; for labels, what all said.
            Otherwise the name of the one annotator whose word counts.

    Returns:
        A column a finding, indexed by row; NaN where nobody said anything.

    Raises:
        DataUnusable: There is no reading, or the rule is not known or cannot be used for labels.
    """
    if readings.empty:
        raise DataUnusable("no annotator says anything of the images that are there; check the columns of the readings")
    names = sorted(readings["annotator"].unique())
    if rule not in {MAJORITY, ANY, ALL, *names}:
        problem = f"readings are put together by majority, any, all or one of {', '.join(names)}, but not by {rule!r}"
        raise DataUnusable(problem, field="reading.aggregation")
    columns = {}
    for finding, part in readings.groupby("finding", sort=False):
        if rule in names:
            part = part[part["annotator"] == rule]  # noqa: PLW2901 (one reader's part of it)
        columns[finding] = _labels_together(part, rule) if finding == "" else _votes_together(part, rule)
    return pd.DataFrame(columns, index=pd.Index(readings["row"].unique(), name="row"))


def agreement(readings: pd.DataFrame) -> Agreement:
    """Return each annotator's agreement with the others, and how often readings differ.

    Kappa is taken between an annotator and what most of the others said, over the images that both read, leaving out
    those on which the others are tied; for several findings it is the mean over those for which it is defined.

    Args:
        readings: Columns `image_id`, `finding`, `annotator`, `value` (`tasks.domain.manifest.READING_COLUMNS`).

    Source:
        Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960).
    """
    readings = readings.assign(
        image_id=pd.factorize(readings["image_id"])[0]
    )  # numbers are grouped much faster than text
    told = [_told(part) for _, part in readings.groupby("finding", sort=False)]
    names = sorted(readings["annotator"].unique())
    images = readings.drop_duplicates(["annotator", "image_id"])["annotator"].value_counts()
    found = []
    for name in names:
        kappas = [_kappa_with_others(part, name) for part in told]
        defined = [kappa for kappa in kappas if not np.isnan(kappa)]
        kappa = float(np.mean(defined)) if defined else float("nan")
        found.append(Annotator(name=name, images=int(images[name]), kappa=kappa))
    return Agreement(annotators=tuple(found), disagreement=_disagreement(pd.concat(told)))


def cohen_kappa(one: pd.Series, other: pd.Series) -> float:
    """Return Cohen's kappa of two readings of the same images, nan if it is undefined.

    Args:
        one: Categories, shape (n_images,).
        other: Categories, shape (n_images,).
    """
    if len(one) == 0:
        return float("nan")
    codes, categories = pd.factorize(pd.concat([one, other], ignore_index=True))
    k = len(categories)
    table = np.bincount(codes[: len(one)] * k + codes[len(one) :], minlength=k * k).reshape(k, k) / len(one)
    by_chance = float(table.sum(axis=0) @ table.sum(axis=1))
    return float("nan") if by_chance == 1 else float((np.trace(table) - by_chance) / (1 - by_chance))


def _told(part: pd.DataFrame) -> pd.DataFrame:
    """Return the readings of one finding as votes, or as labels, one of each annotator on each image."""
    values = part["value"] if part["finding"].iloc[0] == "" else votes(part["value"])
    return part.assign(value=values).dropna(subset="value").drop_duplicates(["image_id", "annotator"])


def _kappa_with_others(told: pd.DataFrame, name: str) -> float:
    own = told[told["annotator"] == name].set_index("image_id")["value"]
    others = told[(told["annotator"] != name) & told["image_id"].isin(own.index)]
    most = _most_frequent(others, "image_id").dropna()
    return cohen_kappa(own.loc[most.index], most)


def _most_frequent(values: pd.DataFrame, by: str) -> pd.Series:
    """Return the value that occurs most often for each key, NaN where two are tied."""
    counts = values.groupby([by, "value"], sort=False).size().rename("n").reset_index()
    top = counts[counts["n"] == counts.groupby(by)["n"].transform("max")]
    top = top.assign(tied=top.duplicated(by, keep=False)).drop_duplicates(by).set_index(by)
    return top["value"].mask(top["tied"])


def _votes_together(part: pd.DataFrame, rule: str) -> pd.Series[float]:
    told = part.assign(value=votes(part["value"])).dropna(subset="value")
    if rule == MAJORITY:
        return _most_frequent(told, "row").fillna(UNCERTAIN)
    order = {ANY: (PRESENT, UNCERTAIN, ABSENT), ALL: (ABSENT, UNCERTAIN, PRESENT)}.get(rule)
    if order is None:
        return told.set_index("row")["value"]
    rank = told["value"].map({value: number for number, value in enumerate(order)})
    return rank.groupby(told["row"]).min().map(dict(enumerate(order)))


def _labels_together(part: pd.DataFrame, rule: str) -> pd.Series[str]:
    if rule == ANY:
        problem = "several labels that exclude each other cannot be put together by `any`; use majority, all or a name"
        raise DataUnusable(problem, field="reading.aggregation")
    if rule == MAJORITY:
        return _most_frequent(part, "row").fillna("")
    by_row = part.groupby("row")["value"]
    return by_row.first().where(by_row.nunique() < 2, "")


def _disagreement(told: pd.DataFrame) -> float:
    by_question = told.groupby(["image_id", "finding"])["value"]
    differs = by_question.nunique().gt(1)[by_question.size() > 1]
    return float(differs.groupby(level="image_id").any().mean()) if len(differs) else float("nan")
