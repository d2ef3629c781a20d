"""kill -9 of a whole study at random moments, then `rounds resume`, until it is done; checks that nothing was lost or counted twice.

    python tests/benchmarks/kill_drill.py [--kills 10] [--rounds 8] [--minutes 0.1] [--seed 0]

The command line and everything that it started is killed (its process group; sandboxed runs die with it). After every kill the
finished rounds must be those of before, plus at most new ones behind them; at the end every round is there once, each with a commit
of its own, the ledger verifies, and the holdout was opened exactly once. Prints one JSON line at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tasks.ledger import verify
from tasks.phantoms import draw_phantoms
from tasks.storage import StudyFolder

ROUNDS = Path(sys.executable).with_name("rounds")
TEXT = "Tell melanoma from an ordinary mole. Missing a melanoma is the worst that can happen."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=0.1)
    parser.add_argument("--sandbox", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rounds-kill-drill-") as folder:
        print(json.dumps(drill(Path(folder), options)))


def drill(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    chance = random.Random(options.seed)
    table = draw_phantoms(folder / "data", patients=80)
    study = StudyFolder(folder / "studies" / "drill")
    environment = {**os.environ, "ROUNDS_STATE": str(folder / "state"), "PREFECT_HOME": str(folder / "prefect")}
    begin = [
        str(ROUNDS), "develop", "--text", TEXT, "--images", str(folder / "data" / "images"), "--table", str(table),
        "--rounds", str(options.rounds), "--minutes", str(options.minutes), "--study", str(study.root),
    ]  # fmt: skip
    resume = [str(ROUNDS), "resume", str(study.root)]
    seen: dict[int, str] = {}
    killed_in: list[str] = []
    while len(killed_in) < options.kills and not study.has("report.html"):
        command = [*(resume if study.has("request.json") else begin), "--sandbox", options.sandbox]
        process = subprocess.Popen(
            command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=chance.uniform(6, 45))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed_in.append(
                json.loads(study.text("progress.json"))["stage"] if study.has("progress.json") else "start"
            )
            print(f"kill {len(killed_in)}: in '{killed_in[-1]}', {len(study.rounds())} rounds finished", flush=True)
        check_rounds(study, seen)
        time.sleep(0.5)
    subprocess.run([*resume, "--sandbox", options.sandbox], env=environment, check=True, stdout=subprocess.DEVNULL)
    check_rounds(study, seen)
    entries = verify(study.path("ledger.jsonl"), anchors=folder / "state").entries
    openings = sum(entry.event == "holdout_opened" for entry in entries)
    rounds = study.rounds()
    commits = {item.commit for item in rounds if item.commit}
    assert openings == 1, openings
    assert [item.number for item in rounds] == list(range(len(rounds)))
    assert len(commits) == sum(bool(item.commit) for item in rounds)
    assert len(rounds) == options.rounds + 1 or study.has("ended.txt")
    return {
        "kills": len(killed_in),
        "rounds": len(rounds),
        "openings": openings,
        "resumed_openings": sum(entry.event == "holdout_opening_resumed" for entry in entries),
        "killed_in": killed_in,
    }


def check_rounds(study: StudyFolder, seen: dict[int, str]) -> None:
    """Check that every finished round of before is there unchanged."""
    for record in study.rounds():
        content = (study.round_path(record.number) / "round.json").read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        assert seen.setdefault(record.number, digest) == digest, f"round {record.number} was done twice"
    missing = set(seen) - {record.number for record in study.rounds()}
    assert not missing, f"rounds {missing} were lost"


if __name__ == "__main__":
    main()
