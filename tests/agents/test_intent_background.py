"""Stories, politeness and facts around a request: none of them sets a field or raises a question."""

from __future__ import annotations

import pytest

from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Attribute, Forecast, LabelCount, Profile
from tasks.domain.request import ColumnRoles


def data(column, labels, attributes=(), group="patient_id", missing=()):
    total = sum(labels.values())
    return Profile(
        kind="table", roles=ColumnRoles(image="image", label=column, group=group), n_images=total, n_groups=total // 2, has_groups=bool(group),
        labels=tuple(LabelCount(label=k, images=v, groups=v // 2) for k, v in labels.items()),
        attributes=tuple(
            Attribute(name=name, kind="categorical", missing=round(dict(missing).get(name, 0) * total), values=(), cramers_v=0.1, auc=0.6, auc_label="")
            for name in attributes
        ),
        quarantined=(), width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(),
        forecasts=tuple(
            Forecast(label=k, test_images=round(v * 0.15), test_groups=round(v * 0.15), auc_half_width=0.03, detectable_difference=0.02) for k, v in labels.items()
        ),
        seconds=1.0,
    )  # fmt: skip


def parse(text, profile):
    return PlaybookSemanticParser().parse(text, profile)


def kinds(parsed):
    return {question.kind for question in parsed.questions}


LESIONS = data("melanoma", {"0": 16_600, "1": 3_400}, ("age", "sex", "localization"))
FOUR = data("dx", {"melanoma": 5000, "nevus": 5000, "bcc": 5000, "keratosis": 5000}, ("age", "sex", "ruler"))
AROUND_ONE = (
    "Our clinic has 3 doctors and 12 nurses.",
    "The data were collected between 2010 and 2019.",
    "We have 20,000 images from 9,500 patients.",
    "About 17% of the images show a melanoma.",
    "The camera was a Canon with 20 megapixels.",
    "Thanks a lot for your help!",
    "Dr Miller labelled everything by hand.",
    "The labels come from histology.",
    "I am a dermatologist and not a programmer.",
    "Please keep it simple.",
    "We published a paper on this in 2021 with an AUC of 0.87.",
    "A colleague told me that deep learning reaches 95% accuracy.",
    "Last year a student tried this with an SVM.",
    "No hurry.",
    "It is for a grant application due on Friday.",
    "The patients come from two hospitals.",
    "The images are 600 by 450 pixels.",
    "Every patient gave consent.",
    "The ethics board approved the study in May.",
    "We are an outpatient clinic in Graz.",
    "In our clinic, melanomas are excised within a week.",
    "Patients with a positive answer are seen by a doctor the same day.",
    "The tool will be used by GPs.",
    "Half of the images were taken with a new dermatoscope.",
    "There may be a few wrong labels.",
    "Some images are blurry.",
    "It should be easy to install.",
    "My boss wants results by June.",
    "Do not worry about speed.",
    "I don't mind how you do it.",
    "Use whatever network you like.",
    "We can send more data if you need it.",
    "We follow up all patients for five years.",
    "The model will be shown to a committee.",
    "You will find the images in the folder.",
    "Call me if you have questions.",
    "Can you do it by Tuesday?",
    "I would appreciate a short summary.",
    "Men and women are equally represented.",
    "The lesions are on the back, the arms and the face.",
    "Most of the patients are over 50.",
    "Prevalence is 17%.",
    "We do not need a report.",
    "This is a pilot study.",
    "Nothing else matters for now.",
    "Biopsy is the reference standard.",
    "A biopsy costs 80 euros.",
    "Biopsies are painful.",
    "Early detection saves lives.",
    "Melanoma is dangerous.",
    "Each image shows one lesion.",
    "We have used a ruler in the past but not here.",
    "Older images were scanned from slides.",
    "The pictures are stored on a server in the cellar.",
    "Sensitivity of our doctors is about 80%.",
    "Our dermatologists miss about 1 in 5.",
    "The insurance pays for the study.",
    "Patients pay nothing.",
    "All patients were treated in our department.",
    "Some had received chemotherapy before.",
    "I know that no model is perfect.",
    "We are not sure about the dates.",
    "The split was made by a statistician.",
    "Please use the split that is in the table.",
    "The test set should not be touched before the end.",
    "It would be nice to publish it.",
    "Our IT department is slow.",
    "The radiologists next door did something similar.",
)
AROUND_FOUR = (
    "The ruler is not in all images.",
    "Not all images show a ruler.",
    "Our nurses sometimes hold a ruler next to the lesion.",
    "Even experts confuse melanoma with nevus.",
    "BCC is less serious than melanoma.",
    "Melanoma is rarer than nevus.",
    "BCC is the most common cancer.",
    "Most lesions are nevi.",
    "Nevi are harmless.",
    "The nurses call a nevus a mole.",
    "Keratosis is often read as melanoma by juniors.",
    "We do not know the age of all patients.",
    "Age and sex are recorded.",
    "Age is missing for some.",
    "Older people have more keratoses.",
    "We cannot say who took the images.",
    "The histology was unclear in some cases.",
    "There were some doubtful cases, which were left out.",
    "A second opinion was sought when unsure.",
    "We want to compare it with our doctors later.",
    "The quality of the photos is good.",
    "This is not about treatment.",
    "The patients were seen by several doctors.",
    "I care about my patients.",
    "Melanoma is what brings most patients to us.",
    "False alarms are a fact of life.",
    "We send about 10% of patients to surgery.",
    "About one in four biopsies shows a melanoma.",
    "Waiting time for a biopsy is 3 weeks.",
    "Patients are told the result by phone.",
    "Results go to the doctor first.",
    "The records are kept for ten years.",
    "Each patient has a number.",
    "No names are in the data.",
    "Names and addresses were removed.",
    "The photos show no faces.",
    "Our policy is to photograph every lesion.",
    "We follow the guideline.",
    "The first model will be a baseline.",
    "Show me examples of errors.",
    "We will test it on new patients next year.",
    "The dataset was used in a test before.",
    "We would like to use it in the clinic one day.",
    "The hospital pays.",
    "Please ignore my spelling.",
)


def understood(text, profile):
    """Return what a request sets, without where it says so."""
    parsed = parse(text, profile)
    spec = parsed.spec
    assert spec is not None, [question.text for question in parsed.questions] or parsed.refusal
    fields = (
        spec.task,
        spec.classes,
        spec.priorities,
        spec.primary,
        spec.constraints,
        spec.guardrails,
        spec.confounders,
        spec.subgroups,
        spec.costs,
    )
    return parsed.level, fields, str(spec.abstention), str(spec.operating_point)


@pytest.mark.parametrize("words", AROUND_ONE)
def test_a_story_around_a_request_for_one_finding_changes_nothing(words):
    plain = understood("Melanoma or not.", LESIONS)
    assert understood(f"Melanoma or not. {words}", LESIONS) == plain
    assert understood(f"{words} Melanoma or not.", LESIONS) == plain


@pytest.mark.parametrize("words", AROUND_FOUR)
def test_a_story_around_a_request_for_several_classes_changes_nothing(words):
    plain = understood("Sort into the four diagnoses.", FOUR)
    assert understood(f"Sort into the four diagnoses. {words}", FOUR) == plain
    assert understood(f"{words} Sort into the four diagnoses.", FOUR) == plain
