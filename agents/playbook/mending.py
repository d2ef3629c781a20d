"""Mends a failed edit of the playbook: a remedy from the list, or the bundle without the step that broke.

The mended edit is the same hypothesis with one sentence more, so that the record says what really ran.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.developer import code_sha256
from agents.playbook.draft import edited_by
from agents.playbook.reading import DROPPED, MENDED, settings_in, steps_dropped
from agents.playbook.remedies import REMEDIES, Case, Mend
from tasks.domain.failure import FailureKind
from tasks.domain.round import Proposal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.developer import Briefing
    from agents.playbook.technique import Technique
    from tasks.domain.failure import Failure, Frame
    from tasks.domain.round import Hypothesis


def mend(
    briefing: Briefing, proposal: Proposal, failure: Failure, techniques: Mapping[str, Technique]
) -> Proposal | None:
    """Return the edit with what failed in it mended; None where no remedy is known, or it would undo the edit."""
    hypothesis = proposal.hypothesis
    names = [name for name in hypothesis.technique.split("+") if name in techniques]
    if names != hypothesis.technique.split("+"):
        return None
    if failure.kind is FailureKind.CODE_ERROR:
        culprit = _culprit(briefing, proposal, failure.frames, techniques)
        return _without(briefing, proposal, culprit, failure, techniques) if culprit else None
    if failure.kind is FailureKind.NON_FINITE_LOSS and "bfloat16" in names:
        return _without(briefing, proposal, "bfloat16", failure, techniques)
    case = Case(
        before=briefing.source,
        failed={**briefing.source, **proposal.files},
        failure=failure,
        device=briefing.device,
        locked=briefing.locked,
        done=frozenset(key.removeprefix(MENDED) for key in hypothesis.settings if key.startswith(MENDED)),
    )
    for remedy in REMEDIES.get(failure.kind, ()):
        found = remedy(case)
        if found is not None and (mended := _with_mend(briefing, proposal, found, names, failure)) is not None:
            return mended
    return None


def _with_mend(
    briefing: Briefing, proposal: Proposal, found: Mend, names: Sequence[str], failure: Failure
) -> Proposal | None:
    """Return the edit with a remedy in it; None if that is code that ran before."""
    files = _changed(briefing, {**proposal.files, **found.files})
    code = code_sha256({**briefing.source, **files})
    if found.files and code in briefing.tried | {code_sha256(briefing.source)}:
        return None
    settings = dict(proposal.hypothesis.settings)
    for key, value in found.settings.items():
        own = [name for name in (key, *(f"{name}.{key}" for name in names)) if name in settings]
        settings |= dict.fromkeys(own, value)  # the strength of the step itself, as it will have run
        settings[f"{MENDED}{key}"] = value
    return _told(proposal, files, settings, found.words, failure)


def _without(
    briefing: Briefing, proposal: Proposal, culprit: str, failure: Failure, techniques: Mapping[str, Technique]
) -> Proposal | None:
    """Return a bundle without one of its steps; None if it was the only one, or the others do not go without it."""
    hypothesis = proposal.hypothesis
    names = [name for name in hypothesis.technique.split("+") if name != culprit]
    files = _applied(briefing, hypothesis, names, techniques) if names else None
    if not files or code_sha256({**briefing.source, **files}) in briefing.tried:
        return None
    steps = {name: settings_in(hypothesis, name) for name in names}
    alone = len(names) == 1
    settings = {
        key if alone else f"{name}.{key}": value for name, found in steps.items() for key, value in found.items()
    }
    settings[DROPPED] = "+".join([*steps_dropped(hypothesis), culprit])
    words = f"without {culprit.replace('_', ' ')}"
    mended = _told(proposal, files, settings, words, failure)
    return replace(mended, hypothesis=replace(mended.hypothesis, technique="+".join(names)))


def _told(
    proposal: Proposal, files: Mapping[str, str], settings: dict[str, float | str], words: str, failure: Failure
) -> Proposal:
    hypothesis = proposal.hypothesis
    # The diagnosis quotes a log, which has no place in what stands for the developer's own reasons.
    kind = failure.kind.replace("_", " ")
    again = ", " if proposal.mended else ", mended: "
    return Proposal(
        hypothesis=replace(
            hypothesis,
            title=f"{hypothesis.title}{again}{words}",
            settings=settings,
            rationale=f"{hypothesis.rationale} A first try failed ({kind}); this one differs by {words}.",
        ),
        files=files,
        mended=words,
    )


# --- which step of a bundle broke -----------------------------------------------------------------------------------


def _culprit(
    briefing: Briefing, proposal: Proposal, frames: Sequence[Frame], techniques: Mapping[str, Technique]
) -> str:
    """Return the step that alone wrote the innermost line of the traceback which any step wrote; empty if none did.

    What a step wrote are the lines of the bundle that are not there when only the others are applied. Where the bundle cannot
    be rebuilt as it ran (a number was mended before), nobody is blamed.
    """
    hypothesis, names = proposal.hypothesis, proposal.hypothesis.technique.split("+")
    whole = _applied(briefing, hypothesis, names, techniques)
    if len(names) < 2 or whole is None or _changed(briefing, proposal.files) != whole:
        return ""
    others = {name: _applied(briefing, hypothesis, [x for x in names if x != name], techniques) for name in names}
    for frame in reversed(frames):
        writers = [
            name
            for name, rest in others.items()
            if rest is not None
            and frame.line in _lines_only_in(whole, {**briefing.source, **rest}.get(frame.file, ""), frame.file)
        ]
        if writers:
            return writers[0] if len(writers) == 1 else ""
    return ""


def _lines_only_in(whole: Mapping[str, str], without: str, file: str) -> set[int]:
    """Return the lines (from 1) of a file of the bundle that another version of it lacks."""
    new = whole.get(file, without).splitlines()
    blocks = difflib.SequenceMatcher(None, without.splitlines(), new, autojunk=False).get_opcodes()
    return {line + 1 for tag, _, _, start, end in blocks if tag != "equal" for line in range(start, end)}


def _applied(
    briefing: Briefing, hypothesis: Hypothesis, names: Sequence[str], techniques: Mapping[str, Technique]
) -> dict[str, str] | None:
    """Return the files that some steps of a hypothesis change; None where one does not go without the others."""
    steps = [(techniques[name], settings_in(hypothesis, name)) for name in names]
    return edited_by(steps, briefing.source, locked=briefing.locked)


def _changed(briefing: Briefing, files: Mapping[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if briefing.source.get(path) != text}
