"""Sharpness-aware minimisation: each step goes down from the worst point nearby, which ends in flatter minima."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import has_expression, insert_after, insert_before, replace_expression
from agents.playbook.seams import TRAIN, define_for_training
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique
from agents.playbook.techniques.bfloat16 import FULL, SHORT

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_CLIMB = '''
def climb(
    model: nn.Module, compute_loss: Callable[[Tensor, Tensor], Tensor], images: Tensor, labels: Tensor, radius: float
) -> list[tuple[Tensor, Tensor]]:
    """Move the weights up the slope of a batch's loss, by `radius` in all, and return each with the step that it took.

    Source: Foret et al., Sharpness-aware minimization (ICLR 2021), equation 2.
    """
    generators = [images.device] if images.device.type == "cuda" else []
    model.zero_grad(set_to_none=True)
    # afterwards the generators are as before, so that the next pass draws the same augmentation
    with torch.random.fork_rng(generators), contract.autocast(images.device):
        loss = compute_loss(images, labels)
    loss.backward()
    weights = [weight for weight in model.parameters() if weight.grad is not None]
    steepness = torch.stack([weight.grad.norm() for weight in weights]).norm()
    steps = [weight.grad * (radius / steepness.clamp(min=1e-12)) for weight in weights]
    for weight, step in zip(weights, steps, strict=True):
        weight.data.add_(step)
    return list(zip(weights, steps, strict=True))
'''
_RETURN = "for weight, way in climbed:\n    weight.data.sub_(way)"
RADII = (0.05, 0.1)
FEWEST_EPOCHS = 8.0
"""Epochs that must fit now; with two passes a step it will be half as many."""


def _call(radius: float) -> str:
    return f"climb(model, compute_loss, images, labels, radius={radius})"


def _unsuited(reading: Reading) -> str:
    if reading.epochs < FEWEST_EPOCHS:
        return f"it halves the epochs, and {reading.epochs:.0f} are few already"
    return "the network has not even learnt the images yet" if reading.fit < -0.3 else ""


def _why(reading: Reading) -> str:
    return f"{reading.ground}; with two passes a step half the epochs are left, but they end where the loss is flat."


def _apply(draft: Draft, settings: Settings) -> None:
    call = _call(float(settings["radius"]))
    held = [_call(radius) for radius in RADII if has_expression(draft[TRAIN], "train_step", _call(radius))]
    if held:
        draft.change(TRAIN, replace_expression, "train_step", held[0], call)
        return
    if "devices.py" in draft:
        raise SeamMissing("the climb's own pass does not average gradients over processes")
    draft.change(TRAIN, insert_before, "train_step", "optimizer.zero_grad(set_to_none=True)", f"climbed = {call}")
    draft.change(TRAIN, insert_after, "train_step", "loss.backward()", _RETURN)
    is_short = has_expression(draft[TRAIN], "train_step", SHORT)
    define_for_training(draft, "climb", _CLIMB.replace(FULL, SHORT) if is_short else _CLIMB)


TECHNIQUE = Technique(
    name="sharpness_aware",
    theme="regularisation",
    source="Foret et al., Sharpness-aware minimization for efficiently improving generalization (ICLR 2021), algorithm 1",
    expected="A higher training loss and a better validation one where the network overfits; half the epochs.",
    gains={"ranking": Gain(0.015, 0.05), "decision": Gain(0.015, 0.05), "calibration": Gain(0.03, 0.05)},
    ladder=lambda _: tuple(Rung(f"sharpness-aware steps, radius {radius:g}", {"radius": radius}) for radius in RADII),
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=0.1,
    overfit=2.0,
    changes_loss=True,
)
