"""Several proposals for the same incumbent, to be tried at the same time."""

from __future__ import annotations

from dataclasses import replace

from agents.developer import code_sha256
from agents.playbook.developer import PlaybookDeveloper


def proposals(briefing, count):
    found = []
    for _ in range(count):
        proposal = PlaybookDeveloper().propose(briefing)
        found.append(proposal)
        briefing = replace(
            briefing,
            under_way=(*briefing.under_way, proposal.hypothesis),
            tried=briefing.tried | {code_sha256({**briefing.source, **proposal.files})},
        )
    return found


def test_edits_tried_at_the_same_time_share_no_technique(new_briefing) -> None:
    found = proposals(new_briefing(), 4)
    names = [name for proposal in found for name in proposal.hypothesis.technique.split("+")]
    assert len(names) == len(set(names)) >= 4
    assert len({code_sha256(dict(proposal.files)) for proposal in found}) == 4


def test_the_first_of_them_is_the_one_that_would_be_tried_alone(new_briefing) -> None:
    assert proposals(new_briefing(), 2)[0] == PlaybookDeveloper().propose(new_briefing())


def test_all_devices_are_used_only_where_there_are_several(new_briefing) -> None:
    briefing = new_briefing()
    assert PlaybookDeveloper().refusals(briefing)["all_devices"] == "there is one device"
    assert "all_devices" not in PlaybookDeveloper().refusals(replace(briefing, device="cuda", devices=4))
    ranked = PlaybookDeveloper().candidates(replace(briefing, device="cuda", devices=4))
    places = [number for number, item in enumerate(ranked) if "all_devices" in {step.technique for step in item.steps}]
    assert places[0] < len(ranked) / 4
