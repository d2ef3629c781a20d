import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tasks import chain, ledger
from tasks.anchoring import anchor_of, write_anchor
from tasks.domain.errors import LedgerBroken

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    return folder


@pytest.fixture
def anchors(tmp_path):
    return tmp_path / "anchors"


def written(study, anchors, count=5):
    file = study / "ledger.jsonl"
    for number in range(count):
        ledger.append(file, "noted", actor="system", facts={"number": number, "text": 'quo"te \u00e9'}, anchors=anchors)
    return file


def lines_of(file):
    return file.read_bytes().split(b"\n")[:-1]


def write_lines(file, lines):
    file.write_bytes(b"".join(line + b"\n" for line in lines))


def rechained(entries):
    """A forger's work: the same entries with a chain that is right in itself."""
    previous, lines = "0" * 64, []
    for number, entry in enumerate(entries, start=1):
        content = {key: value for key, value in entry.items() if key != "hash"} | {
            "number": number,
            "previous": previous,
        }
        written_entry, line = chain.written(content)
        previous = written_entry.hash
        lines.append(line)
    return lines


def test_entries_come_back_as_they_were_written(study, anchors):
    file = written(study, anchors)
    found = ledger.verify(file, anchors=anchors)
    assert [entry.number for entry in found.entries] == [1, 2, 3, 4, 5]
    assert found.entries[2].facts == {"number": 2, "text": 'quo"te \u00e9'}
    assert found.anchored
    assert found.torn == b""
    assert found.summary() == "5 entries, chain intact; end confirmed by the anchor"


def test_times_are_utc_and_actors_are_named(study, anchors):
    entry = ledger.append(study / "ledger.jsonl", "confirmed", actor="human:Dr. Ito", facts={}, anchors=anchors)
    assert datetime.fromisoformat(entry.at).utcoffset() == timedelta(0)
    assert entry.actor == "human:Dr. Ito"


@pytest.mark.parametrize("actor", ["", "robot", "Human", "systematic", ":system"])
def test_an_unknown_kind_of_actor_is_refused(study, anchors, actor):
    with pytest.raises(ValueError, match="actor"):
        ledger.append(study / "ledger.jsonl", "noted", actor=actor, facts={}, anchors=anchors)
    assert not (study / "ledger.jsonl").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Path("x"), {1, 2}, b"x"])
def test_facts_that_json_cannot_hold_are_refused_before_anything_is_written(study, anchors, value):
    file = written(study, anchors, 1)
    before = file.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        ledger.append(file, "noted", actor="system", facts={"value": value}, anchors=anchors)
    assert file.read_bytes() == before


def test_an_empty_ledger_that_never_was_is_not_broken_but_not_anchored(study, anchors):
    found = ledger.verify(study / "ledger.jsonl", anchors=anchors)
    assert found.entries == ()
    assert not found.anchored


def test_a_flip_of_any_byte_is_found_and_names_the_row(study, anchors):
    file = written(study, anchors, 2)
    content = file.read_bytes()
    for position in range(len(content)):
        row = content[:position].count(b"\n") + 1
        changed = bytearray(content)
        changed[position] ^= (0x01, 0x20, 0x80)[position % 3]
        file.write_bytes(changed)
        with pytest.raises(LedgerBroken) as broken:
            ledger._verify(file, ledger.anchor_at(file, anchors), anchors)
        assert broken.value.row == row, (position, str(broken.value))
        assert f"ledger row {row}" in str(broken.value)


def test_whitespace_and_order_of_keys_are_under_the_hash_too(study, anchors):
    file = written(study, anchors, 2)
    first, second = lines_of(file)
    for other in (
        json.dumps(json.loads(second)).encode(),
        second + b" ",
        second.replace(b'"number":2', b'"number":2,"number":2'),
        json.dumps(dict(reversed(json.loads(second).items())), separators=(",", ":")).encode(),
        second + b"\r",
    ):
        write_lines(file, [first, other])
        with pytest.raises(LedgerBroken, match="row 2"):
            ledger.verify(file, anchors=anchors)


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"null", b"1", b"\x00\x00", b"[" * 100_000, b'{"hash":1}', "\u00e9".encode(), b'{"a":NaN}'],
)
def test_a_line_that_is_no_entry_is_named(study, anchors, line):
    file = written(study, anchors, 3)
    lines = lines_of(file)
    write_lines(file, [lines[0], line, lines[2]])
    with pytest.raises(LedgerBroken, match="row 2"):
        ledger.verify(file, anchors=anchors)


@pytest.mark.parametrize("row", [1, 2, 3, 4])
def test_a_removed_entry_is_found(study, anchors, row):
    file = written(study, anchors, 5)
    lines = lines_of(file)
    del lines[row - 1]
    write_lines(file, lines)
    with pytest.raises(LedgerBroken) as broken:
        ledger.verify(file, anchors=anchors)
    assert broken.value.row == row


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 3), (3, 4)])
def test_swapped_entries_are_found(study, anchors, one, other):
    file = written(study, anchors, 5)
    lines = lines_of(file)
    lines[one], lines[other] = lines[other], lines[one]
    write_lines(file, lines)
    with pytest.raises(LedgerBroken) as broken:
        ledger.verify(file, anchors=anchors)
    assert broken.value.row == one + 1


def test_a_doubled_entry_is_found(study, anchors):
    file = written(study, anchors, 3)
    lines = lines_of(file)
    write_lines(file, [*lines, lines[-1]])
    with pytest.raises(LedgerBroken, match="row 4"):
        ledger.verify(file, anchors=anchors)


@pytest.mark.parametrize("left", [0, 1, 2, 3, 4])
def test_a_missing_end_is_found(study, anchors, left):
    file = written(study, anchors, 5)
    write_lines(file, lines_of(file)[:left])
    with pytest.raises(LedgerBroken) as broken:
        ledger.verify(file, anchors=anchors)
    assert broken.value.row == left + 1


def test_a_cut_at_any_byte_is_found(study, anchors):
    file = written(study, anchors, 3)
    content = file.read_bytes()
    for length in (*range(0, len(content), 11), len(content) - 2, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(LedgerBroken):
            ledger._verify(file, ledger.anchor_at(file, anchors), anchors)


def test_a_deleted_ledger_is_found(study, anchors):
    file = written(study, anchors, 5)
    file.unlink()
    with pytest.raises(LedgerBroken, match="the ledger is gone; 5 entries"):
        ledger.verify(file, anchors=anchors)


def test_a_chain_written_anew_is_found(study, anchors):
    file = written(study, anchors, 5)
    entries = [json.loads(line) for line in lines_of(file)]
    entries[2]["facts"] = {"forged": True}
    write_lines(file, rechained(entries))
    with pytest.raises(LedgerBroken, match="row 5: the chain was written anew"):
        ledger.verify(file, anchors=anchors)


def test_a_chain_written_anew_from_its_first_entry_is_found(study, anchors):
    file = written(study, anchors, 5)
    entries = [json.loads(line) for line in lines_of(file)]
    entries[0]["facts"] = {"forged": True}
    write_lines(file, rechained(entries))
    with pytest.raises(LedgerBroken, match="row 1: this is another ledger"):
        ledger.verify(file, anchors=anchors)


def test_an_entry_added_by_hand_is_found_though_its_hash_is_right(study, anchors):
    file = written(study, anchors, 3)
    entries = [json.loads(line) for line in lines_of(file)]
    write_lines(file, rechained([*entries, {**entries[-1], "event": "forged"}]))
    with pytest.raises(LedgerBroken, match="row 4: was added by other means"):
        ledger.verify(file, anchors=anchors)


def test_a_damaged_anchor_is_a_broken_ledger_not_a_missing_anchor(study, anchors):
    file = written(study, anchors, 3)
    anchor = next(anchors.glob("*.json"))
    anchor.write_text("{", encoding="utf-8")
    with pytest.raises(LedgerBroken, match="cannot be read"):
        ledger.verify(file, anchors=anchors)
    anchor.unlink()
    with pytest.raises(LedgerBroken, match="is gone"):
        ledger.verify(file, anchors=anchors)


def test_a_study_from_another_machine_is_told_apart_and_anchored_with_a_note(study, anchors, tmp_path):
    file = written(study, anchors, 3)
    elsewhere = tmp_path / "other machine"
    found = ledger.verify(file, anchors=elsewhere)
    assert len(found.entries) == 3
    assert not found.anchored
    assert "NOT anchored here" in found.summary()
    ledger.append(file, "noted", actor="system", facts={}, anchors=elsewhere)
    found = ledger.verify(file, anchors=elsewhere)
    assert [entry.event for entry in found.entries[3:]] == [ledger.ANCHORED_ANEW, "noted"]
    assert found.entries[3].facts["entries"] == 3
    # what was missing when it came stays unknown for ever
    assert not found.anchored
    assert "anchored here only after 3 entries" in found.summary()
    write_lines(file, lines_of(file)[:4])
    with pytest.raises(LedgerBroken, match="row 5"):
        ledger.verify(file, anchors=elsewhere)


def test_a_moved_study_stays_anchored(study, anchors):
    written(study, anchors, 3)
    moved = study.rename(study.with_name("moved"))
    file = moved / "ledger.jsonl"
    assert ledger.verify(file, anchors=anchors).anchored
    write_lines(file, lines_of(file)[:2])
    with pytest.raises(LedgerBroken, match="row 3"):
        ledger.verify(file, anchors=anchors)


def test_of_two_copies_of_a_study_only_one_can_go_on(study, anchors):
    file = written(study, anchors, 3)
    shutil.copytree(study, study.with_name("copy"))
    copy = study.with_name("copy") / "ledger.jsonl"
    ledger.append(copy, "holdout_opened", actor="system", facts={}, anchors=anchors)
    with pytest.raises(LedgerBroken, match="row 4: missing"):
        ledger.append(file, "holdout_opened", actor="system", facts={}, anchors=anchors)


def test_of_two_copies_that_go_on_at_once_only_one_does(study, anchors):
    file = written(study, anchors, 3)
    shutil.copytree(study, study.with_name("copy"))
    copy = study.with_name("copy") / "ledger.jsonl"
    with ledger.exclusive(file, anchors=anchors) as one, ledger.exclusive(copy, anchors=anchors) as other:
        one.append("holdout_opened", actor="system", facts={})
        with pytest.raises(LedgerBroken, match="a copy of this study went on"):
            other.append("holdout_opened", actor="system", facts={})


def test_a_new_study_in_the_place_of_a_deleted_one_names_the_old_ledger(study, anchors):
    file = written(study, anchors, 3)
    head = ledger.verify(file, anchors=anchors).entries[-1].hash
    shutil.rmtree(study)
    study.mkdir()
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)
    entries = ledger.verify(file, anchors=anchors).entries
    assert [entry.event for entry in entries] == [ledger.EARLIER, "noted"]
    assert entries[0].facts == {"entries": 3, "head": head}


@pytest.mark.parametrize("left", [None, b"", b"{"])
def test_a_ledger_is_not_begun_anew_beside_a_holdout(study, anchors, left):
    file = written(study, anchors, 3)
    (study / "holdout").mkdir()
    file.unlink()
    if left is not None:
        file.write_bytes(left)
    with pytest.raises(LedgerBroken, match="the ledger is gone"):
        ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)


def test_an_unfinished_write_is_reported_set_aside_and_noted(study, anchors):
    file = written(study, anchors, 2)
    torn = b'{"actor":"system","at":"2026-'
    with file.open("ab") as stream:
        stream.write(torn)
    found = ledger.verify(file, anchors=anchors)
    assert found.torn == torn
    assert len(found.entries) == 2
    assert "unfinished write of 29 bytes" in found.summary()
    assert file.read_bytes().endswith(torn)  # looking changes nothing
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)
    found = ledger.verify(file, anchors=anchors)
    assert [entry.event for entry in found.entries[2:]] == [ledger.TORN, "noted"]
    assert found.entries[2].facts["bytes"] == len(torn) + 1
    assert (study / "ledger.torn").read_bytes() == torn + b"\n"
    assert found.torn == b""


def test_a_kill_between_setting_aside_and_noting_does_not_lose_the_note(study, anchors):
    file = written(study, anchors, 2)
    (study / "ledger.torn").write_bytes(b"half an entry\n")
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)
    events = [entry.event for entry in ledger.verify(file, anchors=anchors).entries]
    assert events == ["noted", "noted", ledger.TORN, "noted", "noted"]


def test_a_torn_first_entry_is_set_aside_too(study, anchors):
    file = study / "ledger.jsonl"
    file.write_bytes(b'{"act')
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)
    assert [entry.event for entry in ledger.verify(file, anchors=anchors).entries] == [ledger.TORN, "noted"]


def test_a_kill_before_the_anchor_was_moved_on_is_healed(study, anchors):
    file = written(study, anchors, 3)
    first, second, third = ledger.verify(file, anchors=anchors).entries
    known = anchor_of(first.hash, anchors)
    write_anchor(replace(known, count=2, head=second.hash, announced=third.hash), file, anchors)
    assert len(ledger.verify(file, anchors=anchors).entries) == 3
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)
    assert anchor_of(first.hash, anchors).count == 4
    write_anchor(replace(known, count=1, head=first.hash, announced=third.hash), file, anchors)
    with pytest.raises(LedgerBroken, match="row 2"):
        ledger.verify(file, anchors=anchors)


def test_a_kill_before_the_first_entry_was_written_leaves_a_place_to_begin(study, anchors):
    file = study / "ledger.jsonl"
    write_anchor(ledger.Anchor(first="a" * 64, count=0, head="", announced="a" * 64), file, anchors)
    assert ledger.verify(file, anchors=anchors).entries == ()
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)
    assert ledger.verify(file, anchors=anchors).anchored


def test_a_clock_that_goes_back_is_noted_once(study, anchors):
    file = study / "ledger.jsonl"
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for now in (noon, noon - timedelta(seconds=90), noon - timedelta(seconds=30)):
        ledger.append(file, "noted", actor="system", facts={}, anchors=anchors, now=lambda now=now: now)
    entries = ledger.verify(file, anchors=anchors).entries
    assert [entry.event for entry in entries] == ["noted", ledger.CLOCK, "noted", "noted"]
    assert entries[1].facts == {"seconds": 90.0, "previous": entries[0].at}


def test_a_ledger_on_read_only_media_can_be_verified(study, anchors):
    file = written(study, anchors, 2)
    (study / "ledger.lock").unlink()
    study.chmod(0o500)
    try:
        assert len(ledger.verify(file, anchors=anchors).entries) == 2
    finally:
        study.chmod(0o700)


def _append_many(file, anchors, who):
    for number in range(10):
        ledger.append(file, "noted", actor=f"system:{who}", facts={"number": number}, anchors=anchors)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_writers_at_once_lose_nothing(study, anchors):
    file = study / "ledger.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_many, args=(file, anchors, who)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    entries = ledger.verify(file, anchors=anchors).entries
    for who in range(4):
        own = [entry.facts["number"] for entry in entries if entry.actor == f"system:{who}"]
        assert own == list(range(10))


KILLED = """
import sys
from pathlib import Path
from tasks import chain, ledger
file, anchors = Path(sys.argv[1]), Path(sys.argv[2])
number = int(sys.argv[3])
print("up", flush=True)
while True:
    number += 1
    ledger.append(file, "noted", actor="system", facts={"mine": number, "filling": "x" * 2000}, anchors=anchors)
    print(number, flush=True)  # acknowledged
"""


def test_after_a_kill_at_any_moment_every_acknowledged_entry_is_there(study, anchors):
    file = study / "ledger.jsonl"
    chance, start = random.Random(1), 0
    for _ in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, file, anchors, str(start)], stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        assert child.stdout.readline() == "up\n"
        time.sleep(chance.uniform(0.0, 0.06))
        os.kill(child.pid, signal.SIGKILL)
        acknowledged = [int(line) for line in child.stdout.read().split("\n")[:-1]]
        child.stdout.close()
        child.wait()
        mine = [entry.facts["mine"] for entry in ledger.verify(file, anchors=anchors).entries if "mine" in entry.facts]
        start = acknowledged[-1] if acknowledged else start
        # an entry that was written, but whose writer died before it could say so, may be there as well
        assert mine[: len(mine)] == list(range(1, len(mine) + 1))
        assert len(mine) - start in (0, 1)
        start = len(mine)
    ledger.append(file, "noted", actor="system", facts={}, anchors=anchors)


def test_a_full_disk_is_an_error_and_the_next_entry_sets_the_half_written_one_aside(study, anchors):
    file = written(study, anchors, 2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 600, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            ledger.append(file, "noted", actor="system", facts={"filling": "x" * 5000}, anchors=anchors)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(ledger.verify(file, anchors=anchors).torn) == 600
    ledger.append(file, "after", actor="system", facts={}, anchors=anchors)
    events = [entry.event for entry in ledger.verify(file, anchors=anchors).entries]
    assert events == ["noted", "noted", ledger.TORN, "after"]


def killed_at(step, act):
    """Do something in a process that is killed as it reaches its n-th line in our modules."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(frame, event, _):
            nonlocal seen
            if frame.f_code.co_filename.endswith(("/ledger.py", "/anchoring.py")):
                seen += event == "line"
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_between_any_two_steps_of_an_append_is_healed_by_the_next(tmp_path):
    step, done = 1, False
    while not done:
        study, anchors = tmp_path / str(step), tmp_path / "anchors"
        file = written(study, anchors, 1)
        with file.open("ab") as stream:
            stream.write(b"torn")
        add = partial(ledger.append, file, actor="system", facts={}, anchors=anchors)
        done = killed_at(step, partial(add, "wanted"))
        ledger.verify(file, anchors=anchors)
        add("after")
        events = [entry.event for entry in ledger.verify(file, anchors=anchors).entries]
        assert events[0] == "noted"
        assert events[-1] == "after"
        assert events.count("wanted") <= 1
        assert events.count(ledger.TORN) in (1, 2)
        assert b"torn\n" in (study / "ledger.torn").read_bytes()
        step += 13
    assert step > 100
