"""What the name of a column suggests that it holds."""

from __future__ import annotations

import re


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LABEL_WORDS = _set_of(
    "label labels class classes dx diagnosis diagnoses diag target category finding findings outcome groundtruth "
    "findinglabel findinglabels classlabel imagelabel classname labelname pathology pathologies "
    "diagnose diagnosen befund befunde klasse hauptdiagnose diagnosis1 diagnostic diagnostico diagnosi diagnóstico hallazgo"
)
_HOW_WORDS = _set_of(
    "method methods methode source sources quelle origin basis confirm confirmed confirmation confidence certainty"
)
_KINDS_OF_SAYING = _set_of("label labels dx diagnosis diagnoses diag diagnose diagnosen groundtruth")
_GROUP_WORDS = _set_of(
    "patient patients subject person participant case lesion individual mrn pid patientid lesionid subjectid caseid "
    "participantid personid patientuid donor donorid animal "
    "pat patientin patienten patientennummer patientennr patientenid patientnr patientnummer patientenkennung pseudonym proband "
    "probandin probanden fall fallnummer fallnr fallid läsion laesion paciente paziente"
)
_LOOSE_GROUP_WORDS = _set_of("study exam examination accession visit eye video clip cine slide specimen")
_ID_WORDS = _set_of(
    "id ids uid no nr num number code key name hash pseudonym anon anonymised anonymized instance identifier index nummer kennung schlüssel schluessel numero numéro"
)
_ANNOTATOR_WORDS = _set_of(
    "annotator annotators grader reader rater radiologist rad expert observer reviewer labeler labeller pathologist "
    "dermatologist ophthalmologist annotatorid readerid raterid graderid radid annotatedby readby gradedby labeledby "
    "befunder befunderin untersucher untersucherin auswerter gutachter beurteiler"
)
_ASIDE_WORDS = _set_of(
    "note notes comment comments remark remarks text time date seconds duration reason bemerkung bemerkungen kommentar "
    "datum notiz anmerkung"
)
_IMAGE_WORDS = _set_of(
    "image images img file files filename filepath path picture photo imageid imagename imagepath isic fname dicom sop "
    "bild bilder bilddatei bildname bildid bildnummer dateiname datei dateipfad pfad aufnahme imagen immagine"
)
_SPLIT_WORDS = _set_of("split splits set subset partition phase fold datasplit")
_ATTRIBUTE_WORDS = _set_of(
    "age sex gender site localization localisation location region scanner device camera hospital centre center clinic "
    "year date race ethnicity skin skintype fitzpatrick view position side laterality width height weight "
    "modality manufacturer vendor model protocol smoker smoking diabetic spacing orientation eye ap pa frontal lateral "
    "alter geschlecht seite gerät geraet klinik standort zentrum jahr größe groesse gewicht lokalisation raucher gender "
    "sexe sexo edad âge geburtsjahr augenseite auge hersteller"
)
_BOX_WORDS = _set_of(
    "xmin xmax ymin ymax x y w h x1 x2 y1 y2 left right top bottom bbox box width height xcenter ycenter area"
)


def _words(name: str) -> list[str]:
    """Return the words of a name: `lesionId`, `lesion_id` and `Lesion ID` are all lesion and id."""
    spaced = re.sub(r"(?<=[a-z0-9äöüß])(?=[A-ZÄÖÜ])", " ", name)
    return [word.lower() for word in re.split(r"[\W_]+", spaced) if word]


def is_label(name: str) -> bool:
    """Return whether the whole name is a word for a label: `dx`, but not `dx_type`."""
    return "".join(_words(name)) in _LABEL_WORDS


def speaks_of_label(name: str) -> bool:
    """Return whether a word for a label occurs in the name: `final_diagnosis`."""
    return any(word in _LABEL_WORDS for word in _words(name))


def says_how(name: str) -> bool:
    """Return whether the name says how a label came about, not what it is: `dx_type`, `label_source`; not `finding_type`."""
    words = set(_words(name))
    says_type = "type" in words and bool(words & _KINDS_OF_SAYING)
    return speaks_of_label(name) and (says_type or bool(words & _HOW_WORDS))


def is_group(name: str) -> bool:
    """Return whether the name says which patient or lesion: `lesion_id`, but not `lesion_size`."""
    words = _words(name)
    return any(word in _GROUP_WORDS for word in words) and all(word in _GROUP_WORDS | _ID_WORDS for word in words)


def is_loose_group(name: str) -> bool:
    """Return whether the name says which study, eye, video or slide; images of a patient can have several of them."""
    words = _words(name)
    if not any(word in _LOOSE_GROUP_WORDS for word in words):
        return False
    return all(word in _LOOSE_GROUP_WORDS | _ID_WORDS for word in words)


def is_annotator(name: str) -> bool:
    """Return whether the name says who read the image: `annotator`, `reader_id`, `graded by`."""
    words = _words(name)
    if "".join(words) in _ANNOTATOR_WORDS:
        return True
    return any(word in _ANNOTATOR_WORDS for word in words) and all(
        word in _ANNOTATOR_WORDS | _ID_WORDS for word in words
    )


def is_aside(name: str) -> bool:
    """Return whether the name is one of a remark or a time, which is no reading of an image."""
    return any(word in _ASIDE_WORDS for word in _words(name))


def is_image(name: str) -> bool:
    """Return whether the name says which image: `image_id`, `File name`."""
    words = _words(name)
    return any(word in _IMAGE_WORDS for word in words) and all(word in _IMAGE_WORDS | _ID_WORDS for word in words)


def is_split(name: str) -> bool:
    """Return whether the name is one for a split."""
    return any(word in _SPLIT_WORDS for word in _words(name))


def is_attribute(name: str) -> bool:
    """Return whether the name is one of a usual attribute of patient or picture, so not by itself a label."""
    return any(word in _ATTRIBUTE_WORDS for word in _words(name)) or is_box(name)


def has_a_part(name: str) -> bool:
    """Return whether the name says that the column plays a part: label, image, patient, split or annotator."""
    return any(is_it(name) for is_it in (speaks_of_label, is_image, is_group, is_loose_group, is_split, is_annotator))


def is_unnamed(name: str) -> bool:
    """Return whether a program made the name up: `column 1`, `Unnamed: 0`, `index`."""
    return re.fullmatch(r"column \d+|unnamed: \d+|index|level_0", name, re.IGNORECASE) is not None


def is_box(name: str) -> bool:
    """Return whether the name is one of a coordinate of a box: `x_min`, `bbox_width`."""
    words = _words(name)
    return "".join(words) in _BOX_WORDS or (bool(words) and words[0] in {"bbox", "box"})
