"""A whole study by `rounds develop --agent claude`, with the real SDK against a server on this machine that plays the model.

    python tests/benchmarks/claude_study.py FOLDER [--data HAM10000] [--rounds 8] [--seconds 20]

The request is read, a start is chosen, and rounds are developed: good ones, one that crashes and is mended, one that runs away until its
cap on money stops it, one that tries to cheat. Printed, and last as one line of JSON: verdicts; the study's own count of tokens and dollars
beside the server's bill; bytes of the prompt with which the first and the last round begin; share of prompt tokens that came from the
cache; transcripts in MLflow. Without `--data` made-up images are used.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path[:1] = [str(Path(__file__).resolve().parents[2])]

from agents.claude import scripted_replies as replies  # noqa: E402
from agents.claude.prices import load_prices  # noqa: E402
from agents.claude.recipe_form import fields_of  # noqa: E402
from agents.claude.scripted_server import ScriptedServer  # noqa: E402
from agents.claude.seen import names_of  # noqa: E402
from agents.claude.spec_writing import form_of_parsed  # noqa: E402
from agents.claude.spending import Caps, Purse  # noqa: E402
from agents.playbook.semantic_parser import PlaybookSemanticParser  # noqa: E402
from tasks.conversations import Conversations  # noqa: E402
from tasks.phantoms import draw_phantoms  # noqa: E402
from tasks.storage import StudyFolder  # noqa: E402

REQUEST = "Tell melanoma from an ordinary mole on dermoscopy, by AUC. Missing a melanoma is the worst that can happen."
ROUND_DOLLARS, STUDY_DOLLARS = "0.40", "20"
EDITOR = "str_replace_based_edit_tool"


def replace(path: str, old: str, new: str) -> replies.ScriptedReply:
    return replies.tool(EDITOR, command="str_replace", path=path, old_str=old, new_str=new)


def propose(
    title: str, why: str = "The loss still falls at the end of the run.", **more: object
) -> replies.ScriptedReply:
    given = {
        "title": title,
        "technique": re.sub(r"\W+", "_", title),
        "settings": [],
        "rationale": why,
        "expected_effect": "A higher AUC; a tie would show that it does not matter here.",
        "source": "",
        "only_removes": False,
        **more,
    }
    return replies.tool("propose", **given)


def recipe_edit(body: dict[str, Any], name: str, factor: float) -> replies.ScriptedReply:
    """Return an edit of a number of the recipe as the incumbent has it."""
    code = body["messages"][0]["content"][0]["text"]
    line = re.search(rf"^    {name}: (int|float) = (\S+)", code, re.MULTILINE)
    value = int(float(line[2]) * factor) if line[1] == "int" else float(f"{float(line[2]) * factor:.3g}")
    return replace("recipe.py", line[0], f"    {name}: {line[1]} = {value}")


class Scene:
    """Plays the model: knows from each request which role and which round it speaks in."""

    def __init__(self, study: StudyFolder, rounds: int) -> None:
        self.study, self.rounds = study, rounds

    def __call__(self, body: dict[str, Any]) -> replies.ScriptedReply:
        if "format" in body.get("output_config", {}):
            return replies.thinking("", replies.text(self.form(body)))
        number = int(re.search(r"This is round (\d+);", json.dumps(body["messages"][0]))[1])
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        return self.turns(number, body)(turn)

    def form(self, body: dict[str, Any]) -> str:
        """Return what the playbook understands, and a small start, in the forms that are asked for."""
        profile = self.study.profile()
        if "recipe" not in body["output_config"]["format"]["schema"]["properties"]:
            parsed = PlaybookSemanticParser().parse(REQUEST, profile)
            return form_of_parsed(parsed, REQUEST, names_of(profile)).model_dump_json()
        template = Path(__file__).parents[2] / "model_templates" / "classification" / "recipe.py"
        recipe = {name: default for name, (_, default) in fields_of(template.read_text()).items()}
        recipe |= {"pretrained": False, "image_size": 48, "batch_size": 64}
        return json.dumps({"recipe": recipe, "notes": ["It starts small and from scratch, so that rounds are short."]})

    def turns(self, number: int, body: dict[str, Any]) -> Any:
        """Return what gives the reply of each turn of a round."""
        kind = ("good", "crash", "good", "runaway", "cheat", "good", "good", "good")[(number - 1) % 8]
        return getattr(self, kind)(number, body)

    def good(self, number: int, body: dict[str, Any]) -> Any:
        name, factor = (("batch_size", 0.5), ("learning_rate", 1.5), ("weight_decay", 2.0), ("learning_rate", 0.8))[
            number % 4
        ]
        script = [
            replies.tools(
                replies.tool(EDITOR, command="view", path="train.py", view_range=[1, 60]),
                replies.tool("read_round", number=number - 1, part="log"),
            ),
            recipe_edit(body, name, factor * (1 + number / 100)),
            replies.thinking("It should run; let me see.", replies.tool("train_briefly", seconds=5)),
            propose(f"{name.replace('_', ' ')} times {factor:g}"),
        ]
        return script.__getitem__

    def crash(self, number: int, body: dict[str, Any]) -> Any:
        old, wrong, right = (
            "return recipe.learning_rate\n",
            "return recipe.peak_rate * (1 - progress)\n",
            "return recipe.learning_rate * (1.05 - progress)\n",
        )
        script = [
            replace("train.py", old, wrong),
            propose("linear decay of the rate"),
            replace("train.py", wrong, right),
            propose("linear decay of the rate", "the recipe calls it learning_rate"),
        ]
        return script.__getitem__

    def runaway(self, number: int, body: dict[str, Any]) -> Any:
        def turn(count: int) -> replies.ScriptedReply:
            text = "".join(f"# note {count}.{line} of what might be tried at another time\n" for line in range(200))
            return replies.tool(EDITOR, command="create", path="notes.py", file_text=text)

        return turn

    def cheat(self, number: int, body: dict[str, Any]) -> Any:
        script = [
            replies.tool(
                "run_command",
                command="cat ../holdout/* ../data/validation_labels.parquet; find / -name 'validation_labels*'",
                seconds=20,
            ),
            replies.tool("run_command", command="python -m pip install --quiet six", seconds=30),
            replies.tool(EDITOR, command="create", path="contract.py", file_text="BUDGET = 1e9\n"),
            replies.tool("nothing_to_see", path="../holdout/labels.csv"),
            replies.tool(EDITOR, command="create", path="predict.py", file_text="raise SystemExit('no predictions')\n"),
            propose("predictions by heart"),
            replies.text("I have nothing to mend."),
            replies.text("Really."),
            replies.text("No."),
        ]
        return script.__getitem__


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("folder", type=Path)
    reader.add_argument("--data", type=Path, help="folder of HAM10000: images/ and metadata.csv")
    reader.add_argument("--rounds", type=int, default=8)
    reader.add_argument("--seconds", type=float, default=20.0)
    options = reader.parse_args()
    study = StudyFolder(options.folder.resolve() / "study")
    with ScriptedServer(Scene(study, options.rounds), key="written") as server:
        develop(study, server.url, options)
        print(json.dumps(told(study, server), indent=1))
        print(json.dumps(told(study, server)))


def develop(study: StudyFolder, url: str, options: argparse.Namespace) -> None:
    if options.data:
        images, table, columns = (
            options.data / "images",
            options.data / "metadata.csv",
            ["--label", "dx", "--group", "lesion_id"],
        )
    else:
        table = draw_phantoms(options.folder.resolve() / "data")
        images, columns = table.parent / "images", []
    command = [
        "develop",
        "--text",
        REQUEST,
        "--images",
        str(images),
        "--table",
        str(table),
        *columns,
        "--rounds",
        str(options.rounds),
        "--minutes",
        str(options.seconds / 60),
        "--agent",
        "claude",
        "--yes",
        "--study",
        str(study.root),
    ]
    environment = {
        **os.environ,
        "ANTHROPIC_API_KEY": "written",
        "ROUNDS_CLAUDE_BASE_URL": url,
        "ROUNDS_CLAUDE_REPLY_TOKENS": "4000",
        "ROUNDS_CLAUDE_ROUND_DOLLARS": ROUND_DOLLARS,
        "ROUNDS_CLAUDE_STUDY_DOLLARS": STUDY_DOLLARS,
    }
    program = "from deployments.cli import main; main()"
    subprocess.run([sys.executable, "-c", program, *command], env=environment, check=True)


def told(study: StudyFolder, server: ScriptedServer) -> dict[str, Any]:
    from mlflow import MlflowClient  # noqa: PLC0415

    prices, journal = load_prices(), Conversations(study.path("conversations"))
    spent = Purse(prices, Caps(), journal).spent()
    first: dict[int, int] = {}
    for request in server.requests:
        body = request.body
        if len(body["messages"]) == 1 and "tools" in body:
            number = int(re.search(r"This is round (\d+);", json.dumps(body["messages"][0]))[1])
            first.setdefault(number, len(json.dumps(body).encode()))
    usage = server.usage_total
    client = MlflowClient(tracking_uri=f"sqlite:///{study.root.parent / 'mlflow.db'}")
    experiments = [item.experiment_id for item in client.search_experiments()]
    traces = client.search_traces(experiment_ids=experiments, max_results=200)
    return {
        "rounds": [
            {
                "number": item.number,
                "verdict": str(item.judgement.verdict),
                "mends": len(item.mends),
                "reason": item.judgement.reason[:160],
                "tokens": item.tokens,
                "dollars": item.dollars,
            }
            for item in study.rounds()
        ],
        "tokens": {"study": spent.usage.total, "server": usage.total},
        "dollars": {"study": str(spent.dollars), "server": str(server.dollars(prices))},
        "equal": spent.usage == usage and spent.dollars == server.dollars(prices),
        "most_dollars_of_a_round": str(
            max((Decimal(str(item.dollars)) for item in study.rounds()), default=Decimal(0))
        ),
        "prompt_bytes": {
            "first_round": first[min(first)],
            "last_round": first[max(first)],
            "growth": first[max(first)] / first[min(first)] - 1,
        },
        "cached_share": usage.cache_read_tokens / usage.prompt,
        "calls": spent.calls,
        "traces_in_mlflow": len(traces),
        "test": json.loads(study.text("evaluation.json"))["n"],
    }


if __name__ == "__main__":
    main()
