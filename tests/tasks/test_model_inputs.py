from __future__ import annotations

import math

import pytest

from tasks.domain.errors import DataUnusable
from tasks.domain.profile import Attribute, Profile
from tasks.domain.request import ColumnRoles
from tasks.domain.spec import Confounder, Grounding, OperatingPoint, Spec, SpecClass
from tasks.model_inputs import check_allowed, check_known, telling


def attribute(name: str, auc: float) -> Attribute:
    return Attribute(
        name=name, kind="categorical", missing=0, values=(("a", 60), ("b", 40)), cramers_v=0.3, auc=auc, auc_label="mel"
    )


def profile(**areas: float) -> Profile:
    return Profile(
        kind="table", roles=ColumnRoles(), n_images=100, n_groups=100, has_groups=False, labels=(),
        attributes=tuple(attribute(name, auc) for name, auc in areas.items()), quarantined=(), width_median=64, height_median=64,
        exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0, conflicting_duplicate_sets=0,
        conflicting_groups=0, given_splits=(), hazards=(), forecasts=(), seconds=0.0,
    )  # fmt: skip


def spec(*inputs: str, confounders: tuple[Confounder, ...] = (), held_out: str = "", words: str = "") -> Spec:
    return Spec(
        task="binary_classification",
        classes=tuple(SpecClass(name=name, labels=(name,), description=name) for name in ("nv", "mel")),
        positive="mel",
        priorities=(),
        primary="auroc",
        secondary=(),
        operating_point=OperatingPoint(fixed="youden", at_least=math.nan, positive="mel"),
        confounders=confounders,
        held_out=held_out,
        inputs=inputs,
        grounding=(Grounding(field="confounders.ruler", source="request", words=words),) if words else (),
    )


def test_an_input_that_the_data_do_not_have_is_named_with_those_that_they_have() -> None:
    with pytest.raises(DataUnusable, match=r"'weight' is no attribute .* age, sex") as caught:
        check_known(["age", "weight"], profile(age=0.6, sex=0.5))
    assert caught.value.field == "inputs"
    with pytest.raises(DataUnusable, match="the data have none"):
        check_known(["age"], profile())
    check_known(["age", "sex"], profile(age=0.6, sex=math.nan))


def test_an_input_that_is_the_answer_in_other_words_is_refused() -> None:
    with pytest.raises(DataUnusable, match=r"'diagnosis' tells mel .* AUC of 1\.00 without any picture"):
        check_known(["age", "diagnosis"], profile(age=0.7, diagnosis=1.0))


def test_what_the_model_must_not_lean_on_cannot_be_an_input() -> None:
    ruler = Confounder(name="ruler", column="has_ruler")
    with pytest.raises(DataUnusable, match=r"'has_ruler' .*you wrote “ignore rulers”.* it cannot be an input as well"):
        check_allowed(spec("age", "has_ruler", confounders=(ruler,), words="ignore rulers"))
    check_allowed(spec("age", confounders=(ruler,)))


def test_where_the_held_out_images_come_from_cannot_be_an_input() -> None:
    with pytest.raises(DataUnusable, match="'hospital' cannot be an input"):
        check_allowed(spec("hospital", held_out="hospital"))
    check_allowed(spec("age", held_out="hospital"))
    check_allowed(spec())


def test_inputs_that_tell_much_alone_are_pointed_out() -> None:
    found = telling(["age", "sex", "site"], profile(age=0.8, sex=math.nan, site=0.6, other=0.9))
    assert [item.name for item in found] == ["age"]
