"""A committee: the incumbent's networks, frozen, and the one in training answer together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.editing import insert_after, insert_before, replace_expression, returned, set_returned
from agents.playbook.imports import add_import
from agents.playbook.seams import PREDICT, TRAIN, must_lack, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

COMMITTEE = "committee.py"
MOST_MEMBERS = 8
"""Beyond these the mean of probabilities hardly changes (Lakshminarayanan et al., figure 2)."""
STILL_LEARNING = -0.3
"""Fit below which the mean with an earlier network is worse than the last one alone: measured on HAM10000, five snapshots of a
minute each, .909 against .912."""
LONGEST_PREDICTION = 1.0
"""Part of the training budget that predicting validation may take."""
_FILE = '''"""Several networks that answer together: those of the incumbent, frozen, and the one in training."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

import contract
from model import build_model
from recipe import Recipe

Seat = tuple[str, int]  # backbone of a network, and the side of the images that it is shown, in pixels


class Committee(nn.Module):
    """Networks whose probabilities are averaged; in training only the last one works and learns.

    Source: Lakshminarayanan et al., Simple and scalable predictive uncertainty estimation using deep ensembles
    (NeurIPS 2017), equation 2; where each starts from the one before: Huang et al., Snapshot ensembles (ICLR 2017).
    """

    def __init__(self, networks: Sequence[nn.Module], seats: Sequence[Seat]) -> None:
        super().__init__()
        self.networks, self.seats = nn.ModuleList(networks), list(seats)
        for network in self.networks[:-1]:
            network.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, C) of images (B, 3, S, S): in evaluation the logarithm of the mean probabilities."""
        if self.training:
            return self.networks[-1](images)
        answers = []
        for network, (_, size) in zip(self.networks, self.seats, strict=True):
            shown = images if size == images.shape[-1] else functional.interpolate(images, size=size, mode="bilinear")
            answers.append(network(shown).float().log_softmax(dim=1))
        return torch.stack(answers).logsumexp(dim=0) - math.log(len(answers))


def join_incumbent(network: nn.Module, recipe: Recipe, job: contract.Job) -> Committee:
    """Return a committee of at most `recipe.members` networks: the latest of the incumbent, and the new one."""
    networks, seats = [network], [(recipe.backbone, recipe.image_size)]
    if job.incumbent is not None and recipe.members > 1:
        state, facts = contract.load_checkpoint(job.incumbent)
        alone = [(facts["recipe"]["backbone"], facts["recipe"]["image_size"])]
        known = form_committee(facts.get("seats", alone), recipe, len(job.classes))
        known.load_state_dict(state if "seats" in facts else {f"networks.0.{name}": state[name] for name in state})
        networks = [*known.networks[1 - recipe.members :], network]
        seats = [*known.seats[1 - recipe.members :], *seats]
    print(f"committee of {len(networks)}: {seats}")
    contract.print_metrics(incumbent_networks=len(networks) - 1)
    return Committee(networks, seats)


def form_committee(seats: Sequence[Seat], recipe: Recipe, n_classes: int) -> Committee:
    """Return a committee with these seats and random weights."""
    return Committee([build_model(replace(recipe, backbone=seat[0]), n_classes) for seat in seats], seats)
'''


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    members = int(reading.recipe.get("members") or 1) + 1
    if members > MOST_MEMBERS:
        return ()
    return (Rung(f"committee of the last {members} networks", {"members": members}),)


def _unsuited(reading: Reading) -> str:
    members = int(reading.recipe.get("members") or 1) + 1
    if math.isnan(reading.score):
        return "no run has left a network yet"
    if reading.kept <= {"baseline"}:
        return "the plain baseline would be a weak member"
    if reading.fit < STILL_LEARNING:
        return "each run still adds much to what the network knows, so earlier ones would be weak members"
    if reading.predict_seconds * members / max(1, members - 1) > LONGEST_PREDICTION * reading.train_seconds:
        return f"predicting takes {reading.predict_seconds:.0f} s already"
    return ""


def _why(reading: Reading) -> str:
    chain = "; each starts from the one before and ends elsewhere" if reading.recipe.get("go_on") else ""
    return (
        "The incumbent's network would be thrown away as soon as a better one is found, although the two err on other images"
        f"{chain}: the mean of their answers has less noise than either."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "input_dropout", why="gives each network more than images")
    note = "networks that answer together: the latest of the incumbent's and the one in training"
    if not set_field(draft, "members", int(settings["members"]), note=note):
        return
    draft.add_file(COMMITTEE, _FILE)
    placed = "model = model.to(job.device, memory_format=contract.memory_format(job.device))"
    draft.change(TRAIN, insert_before, "main", placed, "model = join_incumbent(model, recipe, job)")
    stated = 'facts = {"recipe": asdict(recipe), "classes": job.classes}'
    draft.change(TRAIN, insert_after, "train", stated, 'facts["seats"] = model.seats')
    draft.change(TRAIN, add_import, "from committee import join_incumbent")
    built = returned(draft[TRAIN], "build_optimizer")
    layered = built.replace("param_groups_layer_decay(model,", "param_groups_layer_decay(model.networks[-1],")
    if layered != built:  # a committee as a whole has no layers that could be told apart
        draft.change(TRAIN, set_returned, "build_optimizer", layered)
    formed = 'form_committee(facts["seats"], recipe, len(job.classes))'
    draft.change(PREDICT, replace_expression, "main", "build_model(recipe, len(job.classes))", formed)
    draft.change(PREDICT, str.replace, "from model import build_model\n", "")
    draft.change(PREDICT, add_import, "from committee import form_committee")


TECHNIQUE = Technique(
    name="committee",
    theme="ensembling",
    source="Lakshminarayanan et al., Deep ensembles (NeurIPS 2017); Huang et al., Snapshot ensembles: train 1, get M for free "
    "(ICLR 2017)",
    expected="A small, nearly certain gain in ranking and calibration; prediction takes one network's time more.",
    gains={"ranking": Gain(0.06, 0.04), "decision": Gain(0.05, 0.04), "calibration": Gain(0.08, 0.05)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"incumbent_weights"}),
    underfit=0.5,
    overfit=1.3,
    again=0.5,
)
