"""What every sandbox holds, the local one too."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.domain.sandboxing import Bind

MEBIBYTE = 2**20


def test_a_job_reads_its_binds_and_leaves_results(bench):
    (bench.folder / "data").mkdir()
    (bench.folder / "data" / "labels.csv").write_text("image,label\n")
    checkpoint = bench.folder / "some.safetensors"
    checkpoint.write_text("weights")
    done = bench.run(
        """
        import os, pathlib
        place = {name: pathlib.Path(os.environ["ROUNDS_" + name]) for name in ("CODE", "DATA", "OUT", "CHECKPOINT")}
        assert pathlib.Path.cwd() == place["CODE"], pathlib.Path.cwd()
        text = (place["DATA"] / "labels.csv").read_text() + place["CHECKPOINT"].read_text() + os.environ["ROUNDS_SEED"]
        (place["OUT"] / "result.txt").write_text(text)
        """,
        binds=(Bind(name="CHECKPOINT", source=checkpoint),),
        environment={"ROUNDS_SEED": "5"},
    )
    assert done.ok, bench.log
    assert done.exit_code == 0
    assert (bench.out / "result.txt").read_text() == "image,label\nweights5"


def test_what_stays_in_a_writable_folder_can_be_used_by_the_next_job(bench):
    cache = bench.folder / "cache"
    cache.mkdir()
    program = """
        import os, pathlib
        file = pathlib.Path(os.environ["ROUNDS_CACHE"]) / "deep" / "file"
        file.parent.mkdir(exist_ok=True, mode=0o700)
        with file.open("a") as handle: handle.write("x")
        file.chmod(0o600)
        """
    for _ in range(2):
        assert bench.run(program, binds=(Bind(name="CACHE", source=cache, writable=True),)).ok, bench.log
    assert (cache / "deep" / "file").read_text() == "xx"


def test_a_failing_command_is_a_result_with_its_exit_code_and_its_last_words(bench):
    done = bench.run("print('before'); raise SystemExit(3)")
    assert (done.reason, done.exit_code) == ("exit", 3)
    assert bench.log == "before\n"
    done = bench.run("raise ValueError('a reason')")
    assert (done.reason, done.exit_code) == ("exit", 1)
    assert "ValueError: a reason" in bench.log


def test_a_command_killed_by_a_signal_reports_it_as_a_shell_would(bench):
    done = bench.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (done.reason, done.exit_code) == ("exit", 139)


def test_lines_arrive_while_the_job_runs(bench):
    arrived = []
    began = time.monotonic()
    done = bench.run(
        "import time\nprint('one')\ntime.sleep(0.6)\nprint('two', end='')",
        on_line=lambda line: arrived.append((line, time.monotonic() - began)),
    )
    assert done.ok
    assert [line for line, _ in arrived] == ["one", "two"]
    assert arrived[1][1] - arrived[0][1] > 0.4


def test_an_endless_job_ends_at_its_time_with_all_its_children_though_it_ignores_signals(bench):
    done = bench.run(
        """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("began", flush=True)
        if os.fork() == 0:
            os.setsid()
            os.fork()
        while True:
            open(os.environ["ROUNDS_OUT"] + f"/alive-{os.getpid()}", "w").write(str(time.time()))
            time.sleep(0.02)
        """,
        wall_seconds=1.2,
    )
    assert done.reason == "timeout"
    assert 1.2 <= done.seconds < 6
    assert bench.log == "began\n"
    assert len(list(bench.out.iterdir())) == 3
    assert_nobody_writes(bench.out)


def test_background_processes_do_not_outlive_the_command(bench):
    done = bench.run(
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    open(os.environ["ROUNDS_OUT"] + "/alive", "w").write(str(time.time()))
                    time.sleep(0.02)
            os._exit(0)
        while not os.path.exists(os.environ["ROUNDS_OUT"] + "/alive"): time.sleep(0.02)
        """
    )
    assert done.ok
    assert done.seconds < 20
    assert_nobody_writes(bench.out)


def test_a_job_that_closes_its_output_is_still_watched(bench):
    done = bench.run("import os, time\nos.close(1)\nos.close(2)\nwhile True: time.sleep(1)", wall_seconds=1)
    assert done.reason == "timeout"


def test_a_memory_bomb_is_named_as_such(bench):
    done = bench.run(
        """
        hoard = []
        while True:
            hoard.append(bytearray(b"x") * 2**22)
        """,
        memory_bytes=200 * MEBIBYTE,
    )
    assert done.reason == "out_of_memory"
    assert done.exit_code == 137


def test_memory_of_child_processes_counts(bench):
    done = bench.run(
        """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                mine = bytearray(b"x") * (80 * 2**20)
                time.sleep(30)
                os._exit(0)
        for _ in range(4):
            if os.waitstatus_to_exitcode(os.wait()[1]) != 0: raise SystemExit("a worker was killed")
        """,
        memory_bytes=200 * MEBIBYTE,
    )
    assert done.reason == "out_of_memory"


def test_memory_shared_by_worker_processes_counts_once(bench):
    done = bench.run(
        """
        import os, time
        shared = bytearray(b"x") * (120 * 2**20)
        children = []
        for _ in range(4):
            if (child := os.fork()) == 0:
                sum(shared[::4096]); time.sleep(0.6); os._exit(0)
            children.append(child)
        for child in children: os.waitpid(child, 0)
        """,
        memory_bytes=300 * MEBIBYTE,
    )
    assert done.ok, done


def test_a_fork_bomb_meets_a_limit(bench):
    began = time.monotonic()
    done = bench.run(
        """
        import os, time
        made = 0
        try:
            while True:
                if os.fork() == 0: time.sleep(60)
                made += 1
        except OSError:
            print("refused after", made, flush=True)
            os._exit(9)
        """,
        processes=40,
    )
    assert time.monotonic() - began < 20
    assert done.reason == "too_many_processes" or (done.exit_code == 9 and int(bench.log.split()[-1]) < 40)


def test_filling_the_disk_with_one_file_is_named_as_such(bench):
    done = bench.run(
        """
        import os
        with open(os.environ["ROUNDS_OUT"] + "/large", "wb") as file:
            while True: file.write(bytes(2**20))
        """,
        disk_bytes=30 * MEBIBYTE,
    )
    assert done.reason == "disk_full"
    assert (bench.out / "large").stat().st_size <= 32 * MEBIBYTE


def test_filling_the_disk_with_many_files_is_named_as_such(bench):
    done = bench.run(
        """
        import os, time
        for number in range(10**9):
            with open(f"{os.environ['ROUNDS_OUT']}/{number}", "wb") as file: file.write(bytes(2**18))
            time.sleep(0.001)
        """,
        disk_bytes=20 * MEBIBYTE,
    )
    assert done.reason == "disk_full"


def test_empty_files_without_end_fill_the_disk_too(bench):
    done = bench.run(
        """
        import os
        for number in range(10**9): open(f"{os.environ['ROUNDS_OUT']}/{number}", "wb").close()
        """,
        disk_bytes=4 * MEBIBYTE,
    )
    assert done.reason == "disk_full"


def test_deleted_files_that_are_still_open_fill_the_disk_too(bench):
    if os.geteuid() != 0 and bench.sandbox.name == "docker":
        pytest.skip("only root sees the open files of a container")
    done = bench.run(
        """
        import os, time
        files = []
        for number in range(1000):
            path = f"{os.environ['ROUNDS_OUT']}/{number}"
            files.append(open(path, "wb"))
            os.unlink(path)
            files[-1].write(bytes(2**20))
            files[-1].flush()
            time.sleep(0.005)
        """,
        disk_bytes=20 * MEBIBYTE,
    )
    assert done.reason == "disk_full"


@pytest.mark.parametrize(
    "program", ["while True: print('x' * 100)", "import sys\nwhile True: sys.stdout.write('x' * 100_000)"]
)
def test_a_flood_of_output_is_stopped_and_the_log_stays_small(bench, program):
    done = bench.run(program, log_bytes=300_000)
    assert done.reason == "log_flood"
    assert (bench.folder / "log").stat().st_size < 310_000
    assert bench.log.endswith("[the log ends here: it reached its limit]\n")
    assert max(map(len, bench.log.splitlines())) <= 8192


def test_the_log_cannot_command_a_terminal(bench):
    done = bench.run(r"import sys; sys.stdout.buffer.write(b'\x1b[2Jred\x9b\xff\rbar 1\rbar 2\r\ndone\xc3\xa9\n')")
    assert done.ok
    assert bench.log == "\u241b[2Jred\ufffd\ufffd\nbar 1\nbar 2\ndone\u00e9\n"


def test_nothing_of_our_environment_reaches_the_job(bench, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-secret-key")
    monkeypatch.setenv("PYTHONPATH", "/a-secret-path")
    assert bench.run("import os; print(dict(os.environ))", environment={"ROUNDS_SEED": "1"}).ok
    assert "secret" not in bench.log
    assert "'ROUNDS_SEED': '1'" in bench.log


def test_threads_follow_the_limit_of_processors_and_home_is_writable(bench):
    done = bench.run(
        """
        import os, pathlib, tempfile
        print(os.environ["OMP_NUM_THREADS"], os.environ["ROUNDS_THREADS"])
        (pathlib.Path.home() / "file").write_text("x")
        tempfile.NamedTemporaryFile().close()
        """,
        cpus=1.5,
    )
    assert done.ok, bench.log
    assert bench.log == "2 2\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other allocators")
def test_memory_that_a_job_has_freed_is_not_fetched_again(bench):
    done = bench.run(
        """
        import resource
        def fill(): return len(b"x" * 2**27)  # written through, and freed at once
        fill()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            fill()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
        """
    )
    assert done.ok, bench.log
    pages = 2**27 // resource.getpagesize()
    assert int(bench.log) < pages  # five times as many without the setting


def test_an_error_of_whoever_reads_the_lines_ends_the_job(bench):
    def refuse(line):
        raise LookupError(line)

    program = """
        import os, time
        while True:
            open(os.environ["ROUNDS_OUT"] + "/alive", "w").write(str(time.time()))
            print("hello", flush=True)  # after the first sign of life: it may be ended at once
            time.sleep(0.02)
        """
    with pytest.raises(LookupError, match="hello"):
        bench.run(program, on_line=refuse)
    assert_nobody_writes(bench.out)


def test_everything_that_a_job_left_can_be_read_and_deleted(bench):
    done = bench.run(
        """
        import os
        os.chdir(os.environ["ROUNDS_OUT"])
        os.makedirs("closed/inner")
        open("closed/inner/file", "w").write("content")
        open("tool", "w").close()
        os.chmod("tool", 0o6777)
        os.chmod("closed/inner/file", 0)
        os.chmod("closed", 0)
        """
    )
    assert done.ok, bench.log
    if bench.sandbox.isolates:
        tool = (bench.out / "tool").stat()
        assert (tool.st_uid, tool.st_mode & 0o7000) == (os.geteuid(), 0)
        assert (bench.out / "closed" / "inner" / "file").read_text() == "content"


def test_a_job_is_refused_whose_binds_are_links_missing_or_ambiguous(bench):
    job = bench.job("pass")
    (bench.folder / "link").symlink_to("/etc")
    for bad in (
        Bind(name="DATA2", source=bench.folder / "link"),
        Bind(name="DATA2", source=bench.folder / "nowhere"),
        Bind(name="DATA", source=bench.folder / "data"),
    ):
        with pytest.raises(ValueError, match="DATA"):
            bench.run("pass", binds=(bad,))
    with pytest.raises(ValueError, match="CODE"):
        bench.sandbox.run(type(job)(command=job.command, binds=(), limits=job.limits, log=job.log))


KILLED_PARENT = """
import sys
from pathlib import Path
from tasks.domain.sandboxing import Bind, Job, Limits
from tasks.sandbox.choice import choose_sandbox
folder = Path(sys.argv[2])
choose_sandbox(sys.argv[1], trusted_code=True).run(Job(
    command=("python", "program.py"), limits=Limits(wall_seconds=60), log=folder / "log",
    binds=(Bind(name="CODE", source=folder / "code"), Bind(name="OUT", source=folder / "out", writable=True))))
"""
HEARTBEAT = """
import os, time
if os.fork() == 0: os.setsid()
while True:
    open(os.environ["ROUNDS_OUT"] + f"/alive-{os.getpid()}", "w").write(str(time.time()))
    time.sleep(0.02)
"""


def test_a_killed_rounds_leaves_no_running_job(bench):
    bench.job(HEARTBEAT)
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path(__file__).resolve().parents[3])}
    parent = subprocess.Popen(
        [sys.executable, "-c", KILLED_PARENT, bench.sandbox.name, os.fspath(bench.folder)], env=environment
    )
    deadline = time.monotonic() + 30
    while len(list(bench.out.iterdir())) < 2:
        assert time.monotonic() < deadline, "the job never began"
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    if bench.sandbox.name == "docker":
        type(bench.sandbox)()  # the next sandbox clears away what the last Rounds left
    time.sleep(0.5)
    assert_nobody_writes(bench.out)


def assert_nobody_writes(folder):
    """Fail if a file of the folder changes within a moment."""
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert before
    time.sleep(0.3)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
