"""A run that starts from the incumbent's weights, so that the training of kept rounds adds up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.editing import add_definition, insert_after
from agents.playbook.reading import counted
from agents.playbook.seams import TRAIN, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

MOST_RUNS = 30
_GO_ON = '''
def go_on(model: nn.Module, job: contract.Job) -> None:
    """Start from the weights of the best round so far, as far as they fit, and say how far that was."""
    if job.incumbent is None:
        print("weights: there is no incumbent to go on from")
        return
    state, _ = contract.load_checkpoint(job.incumbent)
    seats = [int(name.split(".")[1]) for name in state if name.startswith("networks.")]
    prefix = f"networks.{max(seats)}." if seats else ""  # the last network of a committee is the latest one
    own = model.state_dict()
    known = {name: state[prefix + name] for name in own if prefix + name in state}
    fitting = {name: tensor for name, tensor in known.items() if tensor.shape == own[name].shape}
    model.load_state_dict(fitting, strict=False)
    print(f"weights: {len(fitting)} of {len(own)} tensors from the incumbent")
    contract.print_metrics(incumbent_tensors=len(fitting))
'''


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    """Return the first start from the incumbent's weights, or one more run from them, with another order of the images."""
    if reading.recipe.get("go_on"):
        runs = int(reading.recipe.get("seed") or 0) + 1
        return (
            ()
            if runs > MOST_RUNS
            else (Rung("one more run from the incumbent's weights", {"go_on": True, "seed": runs}),)
        )
    return (Rung("start from the incumbent's weights", {"go_on": True}),)


def _unsuited(reading: Reading) -> str:
    return "no run has left weights yet" if math.isnan(reading.score) else ""


def _why(reading: Reading) -> str:
    epochs = "A run" if not reading.epochs > 0 else f"A run of {counted(reading.epochs, 'epoch')}"
    return (
        f"{epochs} starts from nothing every round although the incumbent's {reading.train_seconds:.0f} s of training lie at "
        f"hand; from its weights the rounds add up. {reading.ground}."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    if "seed" in settings:
        set_field(draft, "seed", int(settings["seed"]))
    if set_field(draft, "go_on", value=True, note="start from the incumbent's weights, where there is an incumbent"):
        load, go_on = "load_pretrained(model, recipe, job.weights)", "if recipe.go_on:\n    go_on(model, job)"
        draft.change(TRAIN, insert_after, "main", load, go_on)
        draft.change(TRAIN, add_definition, _GO_ON, after=("main",))


TECHNIQUE = Technique(
    name="incumbent_weights",
    theme="schedule",
    source="Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts (ICLR 2017); "
    "Ash & Adams, On warm-starting neural network training (NeurIPS 2020), on what it can cost",
    expected="A lower training loss at once, and rounds that build on each other's training; with little data a larger gap.",
    gains={"ranking": Gain(0.07, 0.06), "decision": Gain(0.07, 0.06), "calibration": Gain(0.03, 0.06)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"committee"}),
    underfit=1.8,
    overfit=0.4,
    again=0.6,
)
