import dataclasses
import re

from tasks.report.model_card import model_card


def test_a_card_tells_use_data_figures_limits_and_gaps(study_record):
    card = model_card(study_record)
    for heading in (
        "Intended use",
        "Model",
        "Data",
        "Performance",
        "Shown by the held-out test",
        "Cannot be guaranteed",
        "How to use it",
    ):
        assert f"## {heading}\n" in card
    assert "> Tell melanoma from an ordinary mole on dermoscopy." in card
    assert re.search(r"\| AUC \(primary\) \| 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\) \|", card)
    assert card.count("NOT PROVIDED") == 12
    assert "rounds predict STUDY IMAGES..." in card
    assert "--inputs" not in card
    assert "\n\n\n" not in card


def test_a_card_of_a_study_with_inputs_says_what_to_give(study_record):
    spec = dataclasses.replace(study_record.spec, inputs=("age", "sex"))
    card = model_card(dataclasses.replace(study_record, spec=spec))
    assert "one colour image, and where a kept round made use of them: age, sex. Output" in card
    assert "rounds predict STUDY IMAGES... --inputs TABLE" in card


def test_every_table_row_has_the_same_number_of_cells(study_record):
    rows = [line for line in model_card(study_record).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(study_record.evaluation.metrics)
    assert len({row.count("|") for row in rows}) == 1


def test_a_card_before_the_opening_claims_nothing(study_record):
    card = model_card(dataclasses.replace(study_record, evaluation=None))
    assert "The test set is still sealed" in card
    assert "improved" not in card
    assert "| AUC" not in card


def test_a_card_uses_the_words_of_claim_2024(study_record):
    assert "ground truth" not in model_card(study_record).lower()


def test_text_from_outside_cannot_break_out_of_the_card(study_record):
    nasty = "<img src=x>\n# Heading | cell [link](x)"
    record = dataclasses.replace(
        study_record, request=dataclasses.replace(study_record.request, text=nasty), ended_because=nasty
    )
    card = model_card(record)
    assert "<img" not in card
    assert "\n# Heading" not in card
    assert "> # Heading" in card
    assert "](x)" not in card.replace("\\](x)", "")
