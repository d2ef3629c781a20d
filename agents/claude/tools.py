"""The tools of the developer: what each is called, what it takes, and what using it does. None acts outside the codebase and its sandbox."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agents.claude import text_editor
from agents.claude.quoted_data import quoted
from agents.claude.text_editor import EditImpossible
from tasks.domain.errors import EditRejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.claude.exchange import Block
    from agents.claude.text_editor import TextEditor
    from tasks.domain.trial import Trial, Workbench

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]{0,63}")
LONGEST_TRIAL_SECONDS = 300.0
LONGEST_RESULT = 12_000
"""Characters of a diff or log that one use of a tool shows."""


class ToolFailed(ValueError):
    """A tool was not used as it can be; the message tells the model how."""


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class RunCommand(_Input):
    """Run a shell command in the folder of your edited codebase, in the sandbox.

    There is no network, and nothing else of the study but the incumbent's checkpoint. Training images and labels lie under $ROUNDS_DATA
    only where their owner allows that you see them, as "The means" tell; else there is no data. For checking shapes, imports and speed.
    Its output is shortened, and rows of numbers, encoded data and names of images are taken out of it unless images are allowed.
    """

    command: str
    seconds: float = Field(description="Wall-clock limit, at most 300.")


class TrainBriefly(_Input):
    """Train your edited codebase for some seconds, as the round will but shorter.

    It trains on training images and labels, and shows whether the code runs, learns, and leaves a checkpoint. The result says nothing
    of validation. Print aggregates: rows of numbers, encoded data and names of images are taken out of its output unless images are allowed.
    """

    seconds: float = Field(description="Budget of training, at most 300; a third of a minute shows most mistakes.")


class ReadRound(_Input):
    """Read what a past round left: its diff, or its shortened training log."""

    number: int
    part: Literal["diff", "log"]


class Setting(_Input):
    """One number or word of a technique."""

    name: str = Field(description="Snake case: 'gamma', 'weight_mel'.")
    value: float | str

    @field_validator("name")
    @classmethod
    def _is_snake_case(cls, name: str) -> str:
        if not _SNAKE_CASE.fullmatch(name):
            raise ValueError("a setting's name is in snake case and has at most 64 signs, such as 'weight_mel'")
        return name


class Propose(_Input):
    """Hand in your edited codebase as this round's attempt. It is trained for the whole budget and judged on validation."""

    title: str = Field(description="A few plain words for a clinician: 'focal loss, gamma 2'.")
    technique: str = Field(
        description="Stable name in snake case, the same for the same idea over rounds: 'focal_loss'."
    )
    settings: list[Setting]
    rationale: str = Field(
        description="Why now, in the clinician's language: what in request, data or past rounds speaks for it."
    )
    expected_effect: str = Field(
        description="What should change, by how much, and what would show that it did not work."
    )
    source: str = Field(description="Publication; empty if there is none.")
    only_removes: bool = Field(description="True if the edit only takes code or compute away.")


class NothingLeft(_Input):
    """Say that nothing is left that is worth a round. The study then goes on to its test."""

    reason: str


TOOLS: Mapping[str, type[_Input]] = {
    "run_command": RunCommand,
    "train_briefly": TrainBriefly,
    "read_round": ReadRound,
    "propose": Propose,
    "nothing_left": NothingLeft,
}
ENDING = frozenset({"propose", "nothing_left"})
"""Tools whose use ends a round's conversation."""


def definitions() -> list[Block]:
    """Return all tools as the API takes them."""
    return [dict(text_editor.DEFINITION), *(_definition(name, kind) for name, kind in TOOLS.items())]


def read_input(name: str, given: object) -> _Input:
    """Return the checked input of one of `TOOLS`.

    Raises:
        ToolFailed: There is no such tool, or it does not take this.
    """
    if name not in TOOLS:
        raise ToolFailed(f"there is no tool {name!r}; there are: {', '.join([text_editor.NAME, *TOOLS])}")
    try:
        # Through JSON, where a list is a list and a whole number may stand for one with a fraction.
        return TOOLS[name].model_validate(given, strict=False)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ToolFailed(f"the input of {name} is not valid: {problems}") from error


class Toolbox:
    """Carries out the uses of all tools that do not end the conversation, within the seconds that a round has for trials."""

    def __init__(self, editor: TextEditor, workbench: Workbench, *, trial_seconds: float, rounds: int) -> None:
        self.editor = editor
        self._workbench = workbench
        self.left = trial_seconds
        """Seconds for trials."""
        self._rounds = rounds

    def edits(self, name: str) -> bool:
        """Return whether a tool changes nothing but the files in memory, so that it can be used again for the same result."""
        return name == text_editor.NAME

    def use(self, name: str, given: object) -> str:
        """Use a tool and return what the model is told.

        Raises:
            ToolFailed: It cannot be used like this; the model is told so.
        """
        if name == text_editor.NAME:
            if not isinstance(given, dict):
                raise ToolFailed("the input of the text editor must be an object")
            try:
                return self.editor.carry_out(given)
            except EditImpossible as error:
                raise ToolFailed(str(error)) from error
        value = read_input(name, given)
        if isinstance(value, ReadRound):
            return self._past(value)
        try:
            return self._tried(value)
        except EditRejected as error:
            raise ToolFailed(f"this is not run: {error}") from error

    def charge(self, seconds: float) -> None:
        """Count seconds that trials before a restart took."""
        self.left -= seconds

    def _tried(self, value: _Input) -> str:
        asked = getattr(value, "seconds", 0.0)
        if not 0 < asked <= LONGEST_TRIAL_SECONDS:
            raise ToolFailed(f"seconds must be above 0 and at most {LONGEST_TRIAL_SECONDS:g}")
        if asked > self.left:
            raise ToolFailed(
                f"only {max(0.0, self.left):.0f} seconds are left for trials in this round; propose what you have"
            )
        if isinstance(value, RunCommand):
            trial = self._workbench.run(self.editor.files, value.command, seconds=asked)
        else:
            trial = self._workbench.train(self.editor.files, seconds=asked)
        self.left -= trial.seconds
        return _told(trial, self.left)

    def _past(self, value: ReadRound) -> str:
        if not 0 <= value.number < self._rounds:
            raise ToolFailed(f"there are the rounds 0 to {self._rounds - 1}")
        read = self._workbench.diff_of if value.part == "diff" else self._workbench.log_of
        text = read(value.number)
        return quoted(f"{value.part} of round {value.number}", text or "(it left none)", LONGEST_RESULT)


def _told(trial: Trial, left: float) -> str:
    words = {"ok": "It ended by itself", "timeout": "It was stopped at its limit"}
    how = words.get(trial.ended, f"It failed ({trial.ended.replace('_', ' ')}, exit code {trial.exit_code})")
    head = f"{how} after {trial.seconds:.0f} s; {max(0.0, left):.0f} s are left for trials in this round."
    return f"{head}\n{quoted('output', trial.output or '(nothing was printed)', LONGEST_RESULT)}"


def _definition(name: str, kind: type[_Input]) -> Block:
    schema = kind.model_json_schema()
    schema.pop("title", None)
    description = " ".join(str(schema.pop("description")).split())
    return {"name": name, "description": description, "input_schema": schema}
