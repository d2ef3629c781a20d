"""What rounds that change nothing come to: 30 rounds, each the same code with another seed, judged under both rules.

    python tests/benchmarks/null_drill.py                      # simulated scores, about a minute
    python tests/benchmarks/null_drill.py --train FOLDER       # real trainings; run it again to go on where it stopped
        [--data phantoms|ham10000] [--seconds 45] [--rounds 30]

Nothing can truly improve, so every accepted round is a false one, and a gain in validation is noise. The simulation draws
binormal scores of equal AUC, in two geometries: `independent` models (what another seed is) and `chained` ones, each a
change of the incumbent (what edits are). The real drill trains the classification template, scores validation and a test
set, and replays the same predictions under both rules. Each prints one line of JSON at its end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np

from tasks import codebase, runs
from tasks.development_set import Validation, load_validation, materialise
from tasks.domain.errors import RoundError
from tasks.domain.manifest import SPLIT, TEST, TRAIN, VALIDATION
from tasks.domain.request import Request
from tasks.domain.round import Verdict
from tasks.domain.spec import OperatingPoint, Protocol, Spec, SpecClass
from tasks.investigation import investigate
from tasks.machine import find_machine
from tasks.phantoms import draw_phantoms
from tasks.readers.discovery import read_manifest
from tasks.sandbox.local import LocalSandbox
from tasks.scoring.classification import compute
from tasks.selection import RULES, judge, noise_yardstick
from tasks.splitting import split
from tasks.uncertainty import paired_difference

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("harmless", "melanoma")
DATA = {"phantoms": ("nevus", "melanoma"), "ham10000": ("nv", "mel")}
"""Labels of the two classes in each set of images."""


def main() -> int:
    """Run one of the drills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, metavar="FOLDER", help="train for real; results are kept in this folder")
    parser.add_argument("--data", choices=sorted(DATA), default="phantoms")
    parser.add_argument("--seconds", type=float, default=45, help="training time of one round")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--studies", type=int, default=100, help="simulated studies for each geometry")
    given = parser.parse_args()
    if given.train:
        facts = drill(given.train, data=given.data, seconds=given.seconds, rounds=given.rounds)
    else:
        facts = {"rounds": given.rounds, "studies": given.studies}
        for geometry in ("independent", "chained"):
            facts[geometry] = simulate(geometry, studies=given.studies, rounds=given.rounds)
    print(json.dumps(facts))
    return 0


@dataclass
class Chain:
    """The rounds of one study under one rule."""

    protocol: Protocol
    labels: np.ndarray
    groups: np.ndarray
    incumbent: np.ndarray
    """Validation scores of the incumbent, shape (n, 2)."""
    origin: int = 0
    """Round that the incumbent comes from."""
    accepts: int = 0
    supported: int = 0
    rounds_used: int = 0
    booked: float = 0.0
    """Validation AUC of the incumbent minus that of round 0."""
    first_error: float = float("nan")
    """Paired standard error in the first round."""

    def offer(self, scores: np.ndarray, origin: int) -> None:
        """Judge one more round and let it take over if it is kept."""
        self.rounds_used += 1
        found = judge(
            labels=self.labels,
            groups=self.groups,
            incumbent_scores=self.incumbent,
            candidate_scores=scores,
            incumbent_metrics=self._metrics(self.incumbent),
            candidate_metrics=self._metrics(scores),
            protocol=self.protocol,
            classes=CLASSES,
            incumbent_thresholds={},
            candidate_thresholds={},
            rounds_used=self.rounds_used,
            simplification=False,
        )
        if self.rounds_used == 1:
            self.first_error = found.standard_error
        if found.verdict is Verdict.KEPT:
            self.incumbent, self.origin = scores, origin
            self.accepts += 1
            self.supported += found.supported
            self.booked += found.difference

    def _metrics(self, scores: np.ndarray) -> dict[str, float]:
        return compute(["auroc"], self.labels, scores, classes=CLASSES, thresholds={})


def protocol_of(rule: str, *, seconds: float, rounds: int, resamples: int) -> Protocol:
    """Return a protocol that judges by AUC alone."""
    return Protocol(
        spec_sha256="",
        primary="auroc",
        higher_is_better=True,
        metrics=("auroc",),
        constraints=(),
        guardrails=(),
        operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive=CLASSES[1]),
        verdict_rule=rule,
        max_rounds=rounds,
        train_seconds=seconds,
        max_checkpoints=1,
        resamples_validation=resamples,
        resamples_test=10_000,
        seed=0,
    )


def simulate(geometry: str, *, studies: int, rounds: int) -> dict[str, object]:
    """Return what studies of pure noise come to, by rule; every model has a true AUC of exactly 0.85.

    1,000 validation images, 20 % positive; scores of candidate and incumbent correlate 0.8 within a class.
    """
    n, share, auc, rho = 1_000, 0.2, 0.85, 0.8
    labels = (np.arange(n) < share * n).astype(int)
    shift = NormalDist().inv_cdf(auc) * 2**0.5
    chains: dict[str, list[Chain]] = {rule: [] for rule in RULES}
    for study in range(studies):
        for rule in RULES:
            random = np.random.default_rng(study)
            shared, own = random.normal(size=(2, n))

            def scores(noise: np.ndarray) -> np.ndarray:
                positive = 1 / (1 + np.exp(-(shift * labels + noise)))
                return np.column_stack([1 - positive, positive])

            noise = rho**0.5 * shared + (1 - rho) ** 0.5 * own
            protocol = protocol_of(rule, seconds=0, rounds=rounds, resamples=200)
            chain = Chain(protocol, labels, np.arange(n), scores(noise))
            for number in range(1, rounds + 1):
                fresh = random.normal(size=n)
                if geometry == "independent":
                    candidate = rho**0.5 * shared + (1 - rho) ** 0.5 * fresh
                else:
                    candidate = rho * noise + (1 - rho**2) ** 0.5 * fresh
                chain.offer(scores(candidate), number)
                if chain.origin == number:
                    noise = candidate
            chains[rule].append(chain)
    return {rule: _summary(found) for rule, found in chains.items()}


def _summary(chains: list[Chain]) -> dict[str, float]:
    return {
        "accepts_mean": round(float(np.mean([chain.accepts for chain in chains])), 2),
        "studies_with_an_accept": round(float(np.mean([chain.accepts > 0 for chain in chains])), 2),
        "called_supported_mean": round(float(np.mean([chain.supported for chain in chains])), 3),
        "booked_in_validation_mean": round(float(np.mean([chain.booked for chain in chains])), 4),
        "true_difference": 0.0,
        "yardstick_mean": round(noise_yardstick(float(np.mean([chain.first_error for chain in chains]))), 4),
    }


def drill(folder: Path, *, data: str, seconds: float, rounds: int) -> dict[str, object]:
    """Train `rounds + 1` times with different seeds, unless that is done, and return what each rule makes of it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"data": data, "seconds": seconds}
    noted = folder / "settings.json"
    if noted.exists() and json.loads(noted.read_text("utf-8")) != settings:
        sys.exit(f"{folder} holds a drill with other settings: {noted.read_text('utf-8')}")
    noted.write_text(json.dumps(settings), encoding="utf-8")
    validation, test = prepare(folder, data)
    started = time.monotonic()
    for number in range(rounds + 1):
        if not (folder / f"scores-{number:02d}.npz").exists():
            train_one(folder, number, seconds=seconds, sets={VALIDATION: validation, TEST: test})
            print(f"round {number} of {rounds} after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    found = [np.load(folder / f"scores-{number:02d}.npz") for number in range(rounds + 1)]
    scored = [number for number, item in enumerate(found) if len(item[VALIDATION])]
    chains = {
        rule: _replay(found, scored, validation, protocol_of(rule, seconds=seconds, rounds=rounds, resamples=2_000))
        for rule in RULES
    }
    return {
        **settings,
        "rounds": rounds,
        "failed_rounds": rounds + 1 - len(scored),
        "validation_images": len(validation.labels),
        "test_images": len(test.labels),
        "auc_validation_by_seed": [round(_auc(validation, found[number][VALIDATION]), 4) for number in scored],
        "auc_test_by_seed": [round(_auc(test, found[number][TEST]), 4) for number in scored],
        **{rule: _outcome(chain, found, test, first=scored[0]) for rule, chain in chains.items()},
    }


def _replay(found: list[dict[str, np.ndarray]], scored: list[int], validation: Validation, protocol: Protocol) -> Chain:
    chain = Chain(protocol, validation.labels, validation.groups, found[scored[0]][VALIDATION], origin=scored[0])
    for number in scored[1:]:
        chain.offer(found[number][VALIDATION], number)
    return chain


def _outcome(chain: Chain, found: list[dict[str, np.ndarray]], test: Validation, *, first: int) -> dict[str, float]:
    difference, error, p = paired_difference(
        "auroc",
        test.labels,
        found[first][TEST],
        found[chain.origin][TEST],
        test.groups,
        classes=CLASSES,
        incumbent_thresholds={},
        candidate_thresholds={},
        resamples=10_000,
        seed=0,
    )
    return {
        "accepts": chain.accepts,
        "called_supported": chain.supported,
        "final_is_round": chain.origin,
        "booked_in_validation": round(chain.booked, 4),
        "yardstick": round(noise_yardstick(chain.first_error), 4),
        "difference_on_test": round(difference, 4),
        "difference_on_test_standard_error": round(error, 4),
        "difference_on_test_p_one_sided": round(p, 4),
    }


def _auc(images: Validation, scores: np.ndarray) -> float:
    return compute(["auroc"], images.labels, scores, classes=CLASSES, thresholds={})["auroc"]


def prepare(folder: Path, data: str) -> tuple[Validation, Validation]:
    """Lay out train, validation and test images, and the codebase; return the two sets that are scored."""
    spec = _spec(DATA[data])
    done = folder / "prepared"
    if not done.exists():
        if data == "phantoms":
            table = draw_phantoms(folder / "phantoms")
            request = Request(text="", images=table.parent / "images", table=table)
        else:
            given = ROOT / "../shared/data/ham10000"
            request = Request(text="", images=given / "images", table=given / "metadata.csv")
        manifest = split(investigate(read_manifest(request))[0], seed=0)
        materialise(folder / VALIDATION, manifest, spec)
        # The test images take the place of validation in a second layout: this is a drill, not a study with a holdout.
        swapped = manifest.rows[SPLIT].replace({TEST: VALIDATION, VALIDATION: TEST})
        rows = manifest.rows.assign(**{SPLIT: swapped})
        materialise(folder / TEST, replace(manifest, rows=rows), spec)
        made = codebase.create(
            folder / "codebase", ROOT / "model_templates/classification", recipe={}, locks=folder / "locks.json"
        )
        made.export(made.baseline, folder / "code")
        done.touch()
    return load_validation(folder / VALIDATION, spec), load_validation(folder / TEST, spec)


def _spec(labels: tuple[str, str]) -> Spec:
    classes = tuple(
        SpecClass(name=name, labels=(label,), description=name) for name, label in zip(CLASSES, labels, strict=True)
    )
    point = OperatingPoint(fixed="youden", at_least=float("nan"), positive=CLASSES[1])
    return Spec(
        task="binary_classification",
        classes=classes,
        positive=CLASSES[1],
        priorities=(CLASSES[1],),
        primary="auroc",
        secondary=(),
        operating_point=point,
    )


def train_one(folder: Path, number: int, *, seconds: float, sets: dict[str, Validation]) -> None:
    """Train with the round's number as seed, predict both sets with the last checkpoint, keep the scores."""
    machine = find_machine(
        device="auto",
        cpus=os.cpu_count() or 1,
        memory_bytes=12 * 2**30,
        disk_bytes=8 * 2**30,
        grace_seconds=60,
        predict_seconds=600,
        weights=folder / "no-weights",
    )
    work = folder / f"round-{number:02d}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    labels = {"study": "null-drill", "round": f"{number:02d}"}
    scores = {name: np.empty((0, len(CLASSES))) for name in sets}
    try:
        training = runs.train(
            LocalSandbox(),
            code=folder / "code",
            data=folder / VALIDATION / TRAIN,
            out=work / "out",
            cache=folder / "cache",
            log=work / "run.log",
            machine=machine,
            budget_seconds=seconds,
            max_checkpoints=1,
            seed=number,
            labels=labels,
        )
        for name, images in sets.items():
            scores[name] = runs.predict(
                LocalSandbox(),
                code=folder / "code",
                data=folder / name / VALIDATION,
                checkpoint=training.checkpoints[-1],
                out=work / name,
                log=work / f"predict-{name}.log",
                machine=machine,
                images=images.images,
                classes=CLASSES,
                labels=labels,
            )
    except RoundError as error:
        print(f"round {number} failed: {error}", file=sys.stderr)
        scores = {name: np.empty((0, len(CLASSES))) for name in sets}
    partial = folder / "scores.partial.npz"
    np.savez(partial, **scores)
    partial.replace(folder / f"scores-{number:02d}.npz")
    shutil.rmtree(work / "out", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
