"""Colour constancy: photographs of skin as they would look under white light."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.seams import decode_through
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_WITHOUT_CAST = '''
def without_cast(image: np.ndarray) -> np.ndarray:
    """Return a picture (S, S, 3) of bytes as under white light: its three colours get the same Minkowski norm of power 6.

    Source: Finlayson & Trezzi, Shades of gray and colour constancy (CIC 2004), equations 4 and 5.
    """
    values = image.astype(np.float64)
    light = np.maximum((values**6).mean((0, 1)) ** (1 / 6), 1)
    white = np.sqrt((light**2).mean())
    return np.rint(np.minimum(values * (white / light), 255)).astype(np.uint8)
'''


def _unsuited(reading: Reading) -> str:
    return (
        ""
        if reading.picture == "skin"
        else "these are not known to be photographs of skin, lit by a lamp of unknown colour"
    )


def _why(reading: Reading) -> str:
    return (
        f"Every dermatoscope and camera has light of its own colour, which {reading.train_images:,} training images show mixed; "
        "under one white light the colour of a lesion means the same in all of them."
    )


def _apply(draft: Draft, _: Settings) -> None:
    decode_through(draft, "without_cast", _WITHOUT_CAST)


TECHNIQUE = Technique(
    name="colour_constancy",
    theme="preparation",
    source="Finlayson & Trezzi, Shades of gray and colour constancy (CIC 2004); "
    "Barata et al., Improving dermoscopy image classification using color constancy (IEEE JBHI 2015)",
    expected="Colours that compare from camera to camera: a gain where images come from several, else hardly any change.",
    gains={"ranking": Gain(0.01, 0.04), "decision": Gain(0.01, 0.04), "calibration": Gain(0.005, 0.04)},
    ladder=lambda _: (Rung("colour constancy by shades of grey", {"minkowski_power": 6}),),
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
)
