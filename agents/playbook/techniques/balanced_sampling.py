"""Class-balanced sampling: rare classes are shown more often in an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import replace_statement
from agents.playbook.seams import DATA, must_lack, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_SAMPLED = """
class_counts = torch.bincount(labels).float()
chances = class_counts[labels] ** -recipe.sampling_power
return torch.multinomial(chances, len(labels), replacement=True, generator=generator)
"""


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return (
        Rung("sampling by the root of class frequency", {"sampling_power": 0.5}),
        Rung("class-balanced sampling", {"sampling_power": 1.0}),
    )


def _unsuited(reading: Reading) -> str:
    if reading.kept & {"logit_adjustment", "class_weights"}:
        return "the classes are balanced in another way already"
    return f"the classes are nearly even ({reading.imbalance:.1f} to 1)" if reading.imbalance < 2 else ""


def _why(reading: Reading) -> str:
    (rare, few), (common, many) = reading.class_images[0], reading.class_images[-1]
    in_batch = reading.batch_size * few / max(1, reading.train_images)
    return (
        f"A batch of {reading.batch_size} holds about {in_batch:.1f} images of '{rare}' ({few:,} against {many:,} of "
        f"'{common}'), so the network hardly sees it."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "weight_power", "logit_adjustment")
    note = "0 shows images as they come, 1 all classes equally often"
    if set_field(draft, "sampling_power", settings["sampling_power"], note=note):
        plain = "return torch.randperm(len(labels), generator=generator)"
        draft.change(DATA, replace_statement, "epoch_order", plain, _SAMPLED)


TECHNIQUE = Technique(
    name="balanced_sampling",
    theme="imbalance",
    source="Kang et al., Decoupling representation and classifier for long-tailed recognition (ICLR 2020), section 3.1",
    expected="Better recall and ranking of rare classes; the common ones may lose a little.",
    # Measured as for smaller batches: by the root of frequency .891 against .894 in AUC, which looks at the order alone.
    gains={"ranking": Gain(0.003, 0.05), "decision": Gain(0.07, 0.07), "calibration": Gain(-0.1, 0.1)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    changes_loss=True,
    ranges={"sampling_power": Range(0.1, 1.0)},
    worded="sampling by the power {sampling_power:g} of class frequency",
    remedies=frozenset({"confusion", "weak_class"}),
)
