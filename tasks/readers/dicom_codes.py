"""The codes of the DICOM standard that may leave a header as they are written; anything else could be anything.

Source:
    DICOM PS3.3: C.7.3.1.1.1 (modality), C.8.1.1 and C.8.11.5 (views), C.7.6.3.1.2 (photometric interpretation), C.8.11.1
    (presentation intent); PS3.16, annex L (body parts), CID 4010 and 4014 (views).
"""

from __future__ import annotations


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


MODALITIES = _set_of(
    "AR ASMT AU BDUS BI BMD CR CT CTPROTOCOL DG DMS DX ECG EEG EMG EOG EPS ES GM HC HD IO IOL IVOCT IVUS KER LEN LS MG MR "
    "M3D NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA POS PT PX RF RG RTIMAGE SM SMR SRF TG US VA XA XC "
    "FA CS CF DF DS EC AS ST VF DD DM FS MA MS LP CP"
)
LATERALITIES = _set_of("L R B U")
SEXES = _set_of("M F O")
INTENTS = frozenset({"FOR PRESENTATION", "FOR PROCESSING"})
PHOTOMETRIC = frozenset(
    {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}
)
VIEWS = {
    "antero-posterior": "AP",
    "postero-anterior": "PA",
    "left lateral": "LL",
    "right lateral": "RL",
    "lateral": "LATERAL",
    "left lateral decubitus": "LLD",
    "right lateral decubitus": "RLD",
    "left oblique": "LLO",
    "right oblique": "RLO",
    "cranio-caudal": "CC",
    "medio-lateral oblique": "MLO",
    "medio-lateral": "ML",
    "latero-medial": "LM",
    "exaggerated cranio-caudal": "XCC",
    "exaggerated cranio-caudal laterally": "XCCL",
    "exaggerated cranio-caudal medially": "XCCM",
    "caudo-cranial (from below)": "FB",
    "superolateral to inferomedial oblique": "SIO",
    "inferomedial to superolateral oblique": "ISO",
    "cleavage": "CV",
    "axillary tail": "AT",
    "lat": "LAT",
    "oblique": "OBLIQUE",
}
"""Code of a view by the meaning of its concept in lower case; the codes are also taken as they are."""
BODY_PARTS = _set_of(
    "ABDOMEN ABDOMENPELVIS ADRENAL ANKLE AORTA APPENDIX ARM ARTERY AXILLA BACK BILEDUCT BLADDER BODY BONE BRAIN BREAST "
    "BRONCHUS BUTTOCK CALCANEUS CALF CAROTID CEREBELLUM CERVIX CHEEK CHEST CHESTABDOMEN CHESTABDPELVIS CLAVICLE COCCYX COLON "
    "CORNEA CORONARYARTERY CSPINE CTSPINE DUODENUM EAR ELBOW ESOPHAGUS EXTREMITY EYE EYELID FACE FEMUR FIBULA FINGER FOOT "
    "FOREARM GALLBLADDER HAND HEAD HEADNECK HEART HIP HUMERUS ILEUM ILIUM IAC JAW JEJUNUM KIDNEY KNEE LARYNX LEG LIVER LSPINE "
    "LSSPINE LUNG MAXILLA MANDIBLE MEDIASTINUM MOUTH NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV NOSE ORBIT OVARY "
    "PANCREAS PAROTID PATELLA PELVIS PENIS PHARYNX PROSTATE RADIUS RADIUSULNA RECTUM RIB SACRUM SCALP SCAPULA SCLERA "
    "SCROTUM SHOULDER SINUS SKIN SKULL SPINE SPLEEN SSPINE STERNUM STOMACH TESTIS THIGH THORAX THUMB THYMUS THYROID TIBIA "
    "TIBIAFIBULA TLSPINE TMJ TOE TONGUE TRACHEA TSPINE ULNA URETER URETHRA UTERUS VAGINA VEIN VULVA WHOLEBODY WRIST ZYGOMA"
)
MAKERS = (
    ("ge med", "GE"),
    ("ge health", "GE"),
    ("ge vingmed", "GE"),
    ("general electric", "GE"),
    ("siemens", "Siemens"),
    ("philips", "Philips"),
    ("canon", "Canon"),
    ("toshiba", "Toshiba"),
    ("hitachi", "Hitachi"),
    ("fuji", "Fujifilm"),
    ("agfa", "Agfa"),
    ("carestream", "Carestream"),
    ("kodak", "Kodak"),
    ("konica", "Konica Minolta"),
    ("hologic", "Hologic"),
    ("lorad", "Lorad"),
    ("samsung", "Samsung"),
    ("medison", "Samsung"),
    ("mindray", "Mindray"),
    ("esaote", "Esaote"),
    ("acuson", "Acuson"),
    ("aloka", "Aloka"),
    ("shimadzu", "Shimadzu"),
    ("swissray", "Swissray"),
    ("sectra", "Sectra"),
    ("varian", "Varian"),
    ("elekta", "Elekta"),
    ("united imaging", "United Imaging"),
    ("neusoft", "Neusoft"),
    ("vieworks", "Vieworks"),
    ("rayence", "Rayence"),
    ("planmed", "Planmed"),
    ("imaging dynamics", "Imaging Dynamics"),
    ("zeiss", "Zeiss"),
    ("topcon", "Topcon"),
    ("heidelberg", "Heidelberg Engineering"),
    ("nidek", "Nidek"),
    ("optos", "Optos"),
    ("olympus", "Olympus"),
)
"""Words in the name of a manufacturer, in lower case, and the name that is shown."""
PLACEHOLDERS = _set_of(
    "anonymous anonymized anonymised anon unknown none null na nil test xxx x 0 00000000 deidentified"
) | {""}
"""What stands for no patient id, in lower case without punctuation."""
