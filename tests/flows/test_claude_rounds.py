"""Rounds that the real SDK develops over HTTP, against a server that plays the model; with the tiny template."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from agents.claude import scripted_replies as replies
from agents.claude.client import Access, ClaudeClient
from agents.claude.developer import ClaudeDeveloper
from agents.claude.dialogue import Office, Voice
from agents.claude.prices import load_prices
from agents.claude.prompts import load_prompt
from agents.claude.scripted_server import ScriptedServer
from agents.claude.spending import Caps, Purse
from flows.attempt import Workshop
from flows.improve_model import run_rounds
from tasks.conversations import Conversations
from tasks.domain.errors import SandboxMissing, ServiceUnavailable, SpendingCapReached
from tasks.domain.round import Round, Verdict
from tasks.domain.sandboxing import Completed, Job, Sandbox
from tasks.sandbox.bubblewrap import BubblewrapSandbox
from tasks.sandbox.local import LocalSandbox
from tasks.withholding import Withholder
from tasks.workbench import SandboxWorkbench, tellable

PRICES = load_prices()
TINY, TEMPLATES = Path(__file__).parent / "tiny_template", Path(__file__).parents[2] / "model_templates"
VOICE = Voice(model="claude-opus-5-5", effort="high", max_tokens=2_000)


def edit(old: str, new: str, path: str = "recipe.py") -> replies.ScriptedReply:
    return replies.tool("str_replace_based_edit_tool", command="str_replace", path=path, old_str=old, new_str=new)


def create(path: str, text: str) -> replies.ScriptedReply:
    return replies.tool("str_replace_based_edit_tool", command="create", path=path, file_text=text)


def propose(title: str, **more: object) -> replies.ScriptedReply:
    given = {
        "title": title, "technique": title.replace(" ", "_"), "settings": [], "rationale": "The log says so.",
        "expected_effect": "A higher score.", "source": "", "only_removes": False, **more,
    }  # fmt: skip
    return replies.tool("propose", **given)


def nothing_left() -> replies.ScriptedReply:
    return replies.tool("nothing_left", reason="no further gain is worth a round")


@pytest.fixture
def developed(
    workshop: Callable[..., Workshop],
) -> Iterator[Callable[..., tuple[Workshop, ScriptedServer, tuple[Round, ...]]]]:
    """Return what runs all rounds of the tiny study on a script, and gives workshop, server and rounds."""
    clients: list[ClaudeClient] = []

    def run(
        script: object,
        caps: Caps | None = None,
        rounds: int = 4,
        sandbox: Sandbox | None = None,
        train_seconds: float = 60.0,
    ) -> tuple[Workshop, ScriptedServer, tuple[Round, ...]]:
        with ScriptedServer(script, key="secret") as server:
            work = workshop([])
            protocol = replace(work.bench.protocol, max_rounds=rounds, train_seconds=train_seconds)
            bench = replace(work.bench, protocol=protocol, sandbox=sandbox or work.bench.sandbox)
            journal = Conversations(work.study.path("conversations"))
            client = ClaudeClient(Access(api_key="secret", base_url=server.url))
            clients.append(client)
            withholder = Withholder(pd.read_parquet(work.study.path("manifest.parquet")))
            bench_for_trials = SandboxWorkbench(
                study=work.study, codebase=work.codebase, sandbox=bench.sandbox, machine=bench.machine,
                folder=work.study.path("trial"), cache=work.study.path("trial-cache"), seed=0, withholder=withholder,
            )  # fmt: skip
            office = Office(
                language_model=client,
                journal=journal,
                purse=Purse(PRICES, caps or Caps(), journal),
                sleep=lambda _: None,
            )
            fit = partial(tellable, withholder=withholder, allow_images=False)
            developer = ClaudeDeveloper(office, VOICE, bench_for_trials, load_prompt("developer"), withhold=fit)
            work = replace(work, bench=bench, developer=developer, tellable=fit)
            return work, server, run_rounds(work)

    yield run
    for client in clients:
        client.close()


GOOD = [
    replies.tool("str_replace_based_edit_tool", command="view", path="train.py"),
    replies.tools(
        replies.tool("run_command", command="python -c 'import recipe; print(recipe.Recipe().noise)'", seconds=10),
        replies.tool("read_round", number=0, part="log"),
    ),
    edit("noise: float = 120.0", "noise: float = 5.0"),
    replies.tool("train_briefly", seconds=5),
    propose("less noise"),
]


def test_a_study_is_developed_and_its_bill_is_the_servers_own(developed) -> None:
    work, server, rounds = developed([*GOOD, nothing_left()])
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.KEPT]
    assert rounds[1].hypothesis.title == "less noise"
    assert rounds[1].prompt_sha256 == load_prompt("developer").sha256
    purse = work.developer._office.purse
    assert purse.spent().usage == server.usage_total
    assert purse.spent().dollars == server.dollars(PRICES)
    assert rounds[1].tokens == purse.spent("round-01").usage.total
    assert Decimal(str(rounds[1].dollars)) == purse.spent("round-01").dollars
    told = [str(request.body["messages"][-1]) for request in server.requests]
    assert "120.0" in told[2]
    assert "metric epoch=1" in told[2]
    assert "metric epoch=1 loss=5.0" in told[4]
    assert "nothing left" in work.study.text("ended.txt")


def test_a_crash_is_mended_within_its_round(developed) -> None:
    script = [
        create("loss.py", "x = 1\n"), edit("recipe = Recipe()", "import loss; recipe = Recipe(); loss.y", "train.py"), propose("a loss"),
        create("loss.py", "y = 1\n"), edit("noise: float = 120.0", "noise: float = 5.0"), propose("a loss", rationale="the name is y"),
        nothing_left(),
    ]  # fmt: skip
    _, server, rounds = developed(script)
    assert rounds[1].judgement.verdict is Verdict.KEPT
    assert "mended: the name is y" in rounds[1].mends[0]
    told = str(server.requests[3].body["messages"][-1])
    assert "AttributeError" in told
    assert "loss" in told
    assert rounds[1].tokens == sum(request.usage.total for request in server.requests[:-1])


def test_a_cap_on_the_study_ends_it_in_order_with_its_best_model(developed) -> None:
    work, server, rounds = developed(
        [*GOOD, *[replies.text("never reached")] * 50], caps=Caps(study_dollars=Decimal("0.12"))
    )
    assert 2 <= len(rounds) <= 4
    assert "is left" in work.study.text("ended.txt")
    assert server.dollars(PRICES) <= Decimal("0.12")


def test_a_cap_on_a_round_fails_the_round_and_the_study_goes_on(developed) -> None:
    def play(body: dict[str, object]) -> replies.ScriptedReply:
        messages = body["messages"]
        if "This is round 2;" in json.dumps(messages[0]):
            return nothing_left()
        line = len(messages)
        return replies.tool("run_command", command=f"echo {line}; head -c 3000 /dev/zero | tr '\\0' 'x'", seconds=2)

    work, server, rounds = developed(play, caps=Caps(conversation_dollars=Decimal("0.20")))
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert "the round's $0.20" in rounds[1].judgement.reason
    assert rounds[1].dollars <= 0.20
    assert "nothing left" in work.study.text("ended.txt")
    assert work.developer._office.purse.spent().dollars == server.dollars(PRICES)


@pytest.fixture
def walls() -> BubblewrapSandbox:
    """Return a sandbox that isolates."""
    try:
        return BubblewrapSandbox()
    except SandboxMissing as missing:
        pytest.skip(str(missing))


def result_of(server: ScriptedServer, turn: int) -> str:
    """Return what the tool answered that was used in a turn, counted from 0."""
    return str(server.requests[turn + 1].body["messages"][-1]["content"][0]["content"])


LOOK = """
cat ../../holdout/* $ROUNDS_OUT/../data/validation_labels.parquet ../../ledger.jsonl
find / \\( -name 'validation_labels*' -o -name 'ledger*' -o -name 'holdout' \\) -not -path '/proc/*' 2>/dev/null | grep -v -e ^/usr -e site-packages
echo "data: ${ROUNDS_DATA:-none}"
"""
REACH = "python -m pip download --no-deps -d /tmp six; python -c 'import urllib.request as u; u.urlopen(\"http://1.1.1.1\", timeout=3)'"


@pytest.mark.bubblewrap
def test_a_cheat_sees_no_label_of_validation_or_test_reaches_no_network_and_changes_no_locked_file(
    developed, walls
) -> None:
    script = [
        replies.tool("run_command", command=LOOK, seconds=20),
        replies.tool("run_command", command=REACH, seconds=20),
        replies.tool("str_replace_based_edit_tool", command="view", path="../holdout/labels.csv"),
        create("contract.py", "BUDGET = 10 ** 9\n"),
        create("pandas.py", "import sys\n"),
        replies.tool("run_command", command="true", seconds=5),
        replies.tool("train_briefly", seconds=99_999),
        nothing_left(),
    ]  # fmt: skip
    _, server, rounds = developed(script, sandbox=walls)
    assert len(rounds) == 1
    looked = result_of(server, 0)
    assert looked.count("No such file or directory") == 3
    assert looked.split()[-3:] == ["data:", "none", "</data>"]
    reached = result_of(server, 1)
    assert "Saved" not in reached
    assert "unreachable" in reached or "resolution" in reached
    assert "outside the codebase" in result_of(server, 2)
    assert "is locked" in result_of(server, 3)
    assert "would shadow the module pandas" in result_of(server, 5)
    assert "at most 300" in result_of(server, 6)


FORGED = """\
import csv, os
rows = list(csv.DictReader(open(os.path.join(os.environ["ROUNDS_DATA"], "images.csv"))))
with open(os.path.join(os.environ["ROUNDS_OUT"], "predictions.csv"), "w") as file:
    file.write("image,dark,bright\\n")
    file.writelines(f"{row['image']},2.0,-1.0\\n" for row in rows)
"""


@pytest.mark.bubblewrap
def test_forged_predictions_fail_the_round_and_a_run_that_lengthens_its_time_is_stopped(developed, walls) -> None:
    def play(body: dict[str, object]) -> replies.ScriptedReply:
        number = re.search(r"This is round (\d+);", json.dumps(body["messages"][0]))[1]
        turn = len(body["messages"])
        edits = {
            "1": create("predict.py", FORGED),
            "2": edit("recipe = Recipe()", "time.sleep(600); recipe = Recipe()", "train.py"),
        }
        if number in edits and turn < 5:
            return edits[number] if turn == 1 else propose(f"cheat {number}")
        return nothing_left()

    work, _, rounds = developed(play, sandbox=walls, train_seconds=3.0)
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.FAILED, Verdict.FAILED]
    assert "predictions were refused" in rounds[1].judgement.reason
    assert "stopped at the time limit" in rounds[2].judgement.reason
    assert rounds[2].train_seconds < 30
    assert work.codebase.source()["predict.py"] != FORGED


def test_a_runaway_is_stopped(developed) -> None:
    _, server, rounds = developed(lambda _: replies.text("Thinking about it."), rounds=1)
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert rounds[1].judgement.reason.startswith(
        "No edit came of it: the language model answered 3 times without using a tool"
    )
    assert len(server.requests) == 3


def test_a_busy_service_is_waited_for_and_its_faults_are_kept(developed) -> None:
    script = [
        replies.status(529),
        replies.status(429, retry_after=0.01),
        GOOD[2],
        replies.dropped_stream(GOOD[4], after_events=3),
        GOOD[4],
        nothing_left(),
    ]
    work, server, rounds = developed(script)
    assert rounds[1].judgement.verdict is Verdict.KEPT
    faults = [
        entry.data["kind"]
        for entry in Conversations(work.study.path("conversations")).read("round-01")
        if entry.kind == "fault"
    ]
    assert faults == ["529", "429", "dropped_stream"]
    assert work.developer._office.purse.spent().dollars >= server.dollars(PRICES)


def test_names_of_patients_in_a_log_never_leave_the_house(developed, study, pictures: Path) -> None:
    name = "patient 3"
    leak = f"print('metric who={name}'); print('File /x/p003.png')"
    script = [edit("time.sleep", f"{leak}\ntime.sleep", "train.py"), edit("noise: float = 120.0", "noise: float = 5.0"),
              replies.tool("train_briefly", seconds=5), propose("leak"), replies.tool("read_round", number=1, part="log"), nothing_left()]  # fmt: skip
    _, server, rounds = developed(script)
    assert rounds[1].judgement.verdict is Verdict.KEPT
    told = [json.dumps(block) for request in server.requests for message in request.body["messages"] if message["role"] == "user"
            for block in message["content"] if block["type"] == "tool_result"]  # fmt: skip
    assert any("[withheld]" in text for text in told)
    assert not any(name in text or "p003.png" in text for text in told)


PEEK = """
import pandas as pd
table = pd.read_csv(DATA / "train.csv")
print(table.to_string())
for name in table["image"]:
    print(list(Image.open(DATA / "images" / name).convert("L").tobytes()))
recipe = Recipe()
"""


def test_no_pixel_and_no_row_of_the_data_reaches_a_request_through_trial_log_or_crash(developed, study) -> None:
    crash = "raise ValueError(table.to_string())\n"
    script = [
        replies.tool("run_command", command="python -c 'import train'; ls ../../data/train/images", seconds=20),
        edit("recipe = Recipe()\n", PEEK, "train.py"),
        replies.tool("train_briefly", seconds=5),
        edit("time.sleep", f"{crash}time.sleep", "train.py"), propose("a peek"),
        edit(crash, "", "train.py"), edit("noise: float = 120.0", "noise: float = 5.0"), propose("a peek", rationale="no crash"),
        replies.tool("read_round", number=1, part="log"), nothing_left(),
    ]  # fmt: skip
    _, server, rounds = developed(script)
    assert rounds[1].judgement.verdict is Verdict.KEPT
    told = json.dumps([request.body["messages"] for request in server.requests])
    images = [path.name for path in study.path("data", "train", "images").iterdir()]
    assert "KeyError: 'ROUNDS_DATA'" in told
    assert told.count("of data taken out") > 4
    assert not any(name in told for name in images)
    assert not re.search(r"(\d{1,3}, ){25}", told)


def test_a_name_that_would_be_cut_in_two_never_leaves_the_house(developed) -> None:
    line = "x " * 177 + "patient 3" + " y" * 100
    leak = f"for number in range(60): print(number, {line!r})"
    script = [edit("time.sleep", f"{leak}\nraise ValueError({'z ' * 110 + 'patient 3'!r})\ntime.sleep", "train.py"), propose("leak"),
              edit("raise ValueError", "str", "train.py"), edit("noise: float = 120.0", "noise: float = 5.0"), propose("leak"), nothing_left()]  # fmt: skip
    _, server, rounds = developed(script)
    assert rounds[1].judgement.verdict is Verdict.KEPT
    told = [json.dumps(block) for request in server.requests for message in request.body["messages"] if message["role"] == "user"
            for block in message["content"] if block["type"] == "text" and "The incumbent's code" not in block["text"]]  # fmt: skip
    assert any("z z z" in text for text in told)
    assert not any(re.search(r"[xz] p", text) for text in told)


class KilledInTraining(LocalSandbox):
    """A sandbox in which the process is killed when a round's own training begins."""

    def run(self, job: Job, on_line: Callable[[str], None] = lambda _: None) -> Completed:
        if job.labels.get("round") == "01":
            raise KeyboardInterrupt
        return super().run(job, on_line)


def test_a_process_that_was_killed_in_a_round_goes_on_in_it_and_pays_for_no_call_twice(developed, study) -> None:
    with pytest.raises(KeyboardInterrupt):
        developed(GOOD, sandbox=KilledInTraining())
    paid = Purse(PRICES, Caps(), Conversations(study.path("conversations"))).spent()
    work, server, rounds = developed([nothing_left()])
    assert rounds[1].judgement.verdict is Verdict.KEPT
    assert rounds[1].tokens == paid.usage.total
    assert len(server.requests) == 1
    assert "This is round 2;" in json.dumps(server.requests[0].body["messages"])
    spent = work.developer._office.purse.spent()
    assert spent.dollars == paid.dollars + server.dollars(PRICES)


def test_a_service_that_stays_down_stops_the_study_and_nothing_is_lost(developed, study) -> None:
    with pytest.raises(ServiceUnavailable, match="rounds resume"):
        developed([*GOOD[:2], *[replies.status(503)] * 5])
    _, server, rounds = developed([*GOOD[2:], nothing_left()])
    assert rounds[1].judgement.verdict is Verdict.KEPT
    assert len(server.requests) == len(GOOD[2:]) + 1


def test_a_round_that_crashes_again_and_again_fails_with_the_reasons_of_all_tries_and_the_study_goes_on(
    developed,
) -> None:
    names = ("alpha", "beta", "gamma")
    crashes = [
        step
        for name in names
        for step in (
            create("train.py", f"raise KeyError({name!r})\n"),
            propose(f"try {name}", rationale=f"it is {name}"),
        )
    ]
    work, server, rounds = developed([*crashes, *GOOD, nothing_left()])
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.FAILED, Verdict.KEPT]
    assert all(name in rounds[1].judgement.reason for name in names)
    assert "mended (it is gamma)" in rounds[1].judgement.reason
    assert rounds[1].hypothesis.title == "try alpha"
    assert [item.tokens for item in rounds[1:]] == [
        work.developer._office.purse.spent(f"round-{number:02d}").usage.total for number in (1, 2)
    ]
    opening = json.dumps(server.requests[len(crashes)].body["messages"][0])
    assert "01 failed: try alpha" in opening


def test_a_mend_that_goes_in_circles_fails_its_round_and_not_the_study(developed) -> None:
    view = replies.tool("str_replace_based_edit_tool", command="view", path="train.py")
    script = [
        create("train.py", "raise KeyError('x')\n"), propose("a crash"),
        replies.tools(view, view, view),
        *GOOD, nothing_left(),
    ]  # fmt: skip
    _, _, rounds = developed(script)
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.FAILED, Verdict.KEPT]


def test_a_cap_that_leaves_no_first_edit_ends_nothing_that_could_be_gone_on_with(developed, study) -> None:
    with pytest.raises(SpendingCapReached, match="study's"):
        developed(GOOD, caps=Caps(study_dollars=Decimal("0.0001")))
    assert not study.has("ended.txt")
    _, _, rounds = developed([*GOOD, nothing_left()])
    assert rounds[1].judgement.verdict is Verdict.KEPT


PUBLISHED = """
import sys, pathlib
from mlflow import MlflowClient
from tasks import tracking
from tasks.storage import StudyFolder
study, uri = StudyFolder(pathlib.Path(sys.argv[1])), sys.argv[2]
for _ in range(2):
    tracking.publish(study, uri)
client = MlflowClient(tracking_uri=uri)
experiments = [item.experiment_id for item in client.search_experiments()]
for trace in client.search_traces(experiment_ids=experiments):
    print(trace.info.state, [span.name for span in trace.data.spans], trace.info.token_usage["total_tokens"])
"""


def test_a_round_with_a_crash_and_a_fault_is_one_trace_in_mlflow_with_the_rounds_tokens(
    developed, tmp_path: Path
) -> None:
    script = [
        replies.status(529), create("train.py", "raise KeyError('x')\n"), propose("a crash"),
        edit("raise KeyError('x')", "raise KeyError('y')", "train.py"), propose("a crash", rationale="y"), nothing_left(), nothing_left(),
    ]  # fmt: skip
    work, _, rounds = developed(script)
    environment = {**os.environ, "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-c", PUBLISHED, str(work.study.root), f"sqlite:///{tmp_path / 'mlflow.db'}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert "a call that came to nothing: 529" in line
    assert "tool propose" in line
    assert line.endswith(f" {rounds[1].tokens}")


def test_the_prompt_of_round_30_is_hardly_longer_than_that_of_round_1_and_mostly_cached(developed) -> None:
    def play(body: dict[str, object]) -> replies.ScriptedReply:
        number = int(re.search(r"This is round (\d+);", json.dumps(body["messages"][0]))[1])
        noise = re.search(r"noise: float = [\d.]+", json.dumps(body["messages"][0]))[0]
        script = [
            replies.tool("str_replace_based_edit_tool", command="view", path="recipe.py"),
            replies.tool("read_round", number=number - 1, part="log"),
            edit(noise, f"noise: float = {100.0 - 3 * number}"),
            propose(f"noise of {100 - 3 * number} grey levels instead of what the incumbent has, round {number}"),
        ]
        return script[sum(message["role"] == "assistant" for message in body["messages"])]

    _, server, rounds = developed(play, rounds=30)
    assert len(rounds) == 31
    first = [request.body for request in server.requests if len(request.body["messages"]) == 1]
    sizes = [len(json.dumps(body)) for body in first]
    usage = server.usage_total
    print(f"bytes {sizes[0]} -> {sizes[-1]}, cached {usage.cache_read_tokens / usage.prompt:.3f}")  # noqa: T201 - the figures of the README
    # The tiny template is a tenth of what is sent with the real one; the digest of the rounds is as long with either.
    real, tiny = (
        sum(len(file.read_text()) for file in (root / "classification").glob("*.py")) for root in (TEMPLATES, TINY)
    )
    assert sizes[-1] - sizes[0] <= 0.2 * (sizes[0] + real - tiny)
    assert usage.cache_read_tokens >= 0.8 * usage.prompt
