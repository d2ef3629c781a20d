"""Shortened logs keep what a developer acts on."""

from __future__ import annotations

import itertools
import time

from hypothesis import given
from hypothesis import strategies as st

from tasks.sandbox.shortening import shorten

TRACEBACK = """Traceback (most recent call last):
  File "/rounds/code/train.py", line 88, in main
    loss.backward()
RuntimeError: shapes do not fit"""


def noisy_log(*, epochs: int = 400, ending: str = "") -> str:
    lines = ["device cpu, seed 3"]
    for epoch in range(epochs):
        lines += [f"batch {batch} of epoch {epoch} is being trained now" for batch in range(10)]
        lines.append(f"metric epoch={epoch} loss={1 / (epoch + 1):.4f}")
    return "\n".join([*lines, ending])


def test_a_short_log_stays_as_it_is():
    assert shorten("one\ntwo\n", limit=500) == "one\ntwo\n"


def test_beginning_end_traceback_and_metrics_survive():
    short = shorten(noisy_log(ending=TRACEBACK), limit=3000)
    assert len(short) <= 3000
    assert short.startswith("device cpu, seed 3\n")
    assert short.endswith(TRACEBACK)
    assert "metric epoch=0 " in short
    assert "metric epoch=399 " in short
    assert "lines left out ...]" in short


def test_metric_lines_that_do_not_all_fit_are_spread_over_the_run():
    short = shorten(noisy_log(), limit=4000)
    epochs = [int(line.split()[1].removeprefix("epoch=")) for line in short.splitlines() if line.startswith("metric")]
    assert len(epochs) > 25
    assert max(after - before for before, after in itertools.pairwise(epochs)) <= 40


def test_a_traceback_in_the_middle_survives_a_flood_after_it():
    short = shorten(TRACEBACK + "\n" + "going on\n" * 10_000, limit=1000)
    assert TRACEBACK in short


def test_chained_tracebacks_both_survive():
    both = (
        TRACEBACK
        + "\n\nDuring handling of the above exception, another exception occurred:\n\n"
        + TRACEBACK.replace("fit", "match")
    )
    short = shorten("noise\n" * 5000 + both + "\n" + "noise\n" * 5000, limit=1500)
    assert "shapes do not fit" in short
    assert "shapes do not match" in short


def test_an_endless_recursion_keeps_its_message():
    frames = "\n".join(
        f'  File "/rounds/code/model.py", line {number}, in forward\n    return self(x)' for number in range(900)
    )
    short = shorten(
        f"Traceback (most recent call last):\n{frames}\nRecursionError: maximum depth\n" + "noise\n" * 50, limit=600
    )
    assert "RecursionError: maximum depth" in short
    assert len(short) <= 600


def test_one_endless_line_is_cut():
    assert len(shorten("x" * 10**6, limit=1000)) <= 1000
    assert "characters]" in shorten("x" * 10**6, limit=1000)


def test_a_large_log_is_shortened_in_no_time():
    log = noisy_log(epochs=8000)
    began = time.perf_counter()
    shorten(log)
    assert time.perf_counter() - began < 20


@given(
    st.lists(st.sampled_from(["noise", "metric a=1", "", "x" * 500, TRACEBACK, "    indented"]), max_size=400),
    st.integers(500, 5000),
)
def test_no_log_gets_longer_than_the_limit_and_the_gaps_add_up(blocks, limit):
    log = "\n".join(blocks)
    short = shorten(log, limit=limit)
    assert len(short) <= limit
    if short != log:
        left_out = sum(int(line.split()[1]) for line in short.split("\n") if line.startswith("[..."))
        shown = sum(not line.startswith("[...") for line in short.split("\n"))
        assert left_out + shown == len(log.splitlines())
