"""What hostile code tries, and does not get, in the sandboxes that isolate."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest

from tasks.domain.errors import TrainingFailed
from tasks.domain.sandboxing import Bind
from tasks.sandbox.outputs import discard, read_bytes_safely, safe_files

SECRET = "holdout-label-4711"  # noqa: S105 - a canary

SEARCH = """
import os, sys
secret, found, looked = b"holdout-label-" + b"4711", [], 0
def peek(path):
    global looked
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file: text = file.read(4096) or b""
    except OSError:
        return
    looked += 1
    if secret in text: found.append(path)
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/sys"):
        folders[:] = [name for name in folders if name.isdigit()] if folder == "/proc" else []
    folders[:] = [name for name in folders if name not in ("task", "net", "map_files")]
    for name in files:
        path = os.path.join(folder, name)
        try:
            size = os.stat(path).st_size
        except OSError:
            continue
        if size <= 64 or folder.startswith(("/proc", "/rounds")): peek(path)
for process in filter(str.isdigit, os.listdir("/proc")):
    for way in ("root", "cwd"):
        for place in sys.argv[1:]: peek(f"/proc/{process}/{way}{place}")
for place in sys.argv[1:]: peek(place)
print("looked at", looked)
print("found", found)
"""


@pytest.fixture
def studies(tmp_path):
    """Two studies side by side, with the secret in every place that training must not see."""
    places = {
        "here/data/train/train.csv": "image,label\n",
        "here/data/validation_labels.parquet": SECRET,
        "here/data/validation/images.csv": SECRET,
        "here/holdout/labels.parquet": SECRET,
        "here/holdout/images/a.png": SECRET,
        "here/spec.json": SECRET,
        "here/ledger.jsonl": SECRET,
        "there/data/train/train.csv": SECRET,
        "there/rounds/00/run.log": SECRET,
    }
    for name, content in places.items():
        path = tmp_path / "studies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "studies"


def test_a_search_of_everything_finds_neither_holdout_nor_validation_labels_nor_another_study(walled_bench, studies):
    job = walled_bench.job(SEARCH, binds=(Bind(name="TRAIN", source=studies / "here" / "data" / "train"),))
    hidden = [os.fspath(path) for path in studies.rglob("*") if path.is_file() and SECRET in path.read_text()]
    assert len(hidden) == 8
    done = walled_bench.sandbox.run(
        type(job)(command=("python", "program.py", *hidden), binds=job.binds, limits=job.limits, log=job.log)
    )
    assert done.ok, walled_bench.log
    assert walled_bench.log.splitlines()[-1] == "found []"
    assert int(walled_bench.log.splitlines()[0].split()[-1]) > 3


def test_the_search_of_everything_finds_what_was_given(walled_bench, studies):
    done = walled_bench.run(SEARCH, binds=(Bind(name="TRAIN", source=studies / "there" / "data" / "train"),))
    assert done.ok, walled_bench.log
    assert "/rounds/train/train.csv" in walled_bench.log


def test_files_of_the_host_cannot_be_read(walled_bench):
    (walled_bench.folder / "private").write_text("private")
    done = walled_bench.run(
        f"""
        import os
        for path in ("/etc/shadow", "/etc/gshadow", "/root/.ssh", "/root/.bashrc", "/home/user", "/var/lib/docker", "/run/docker.sock",
                     "/var/run/docker.sock", "/dev/sda", "/dev/vda", "/dev/kmsg", "/dev/mem", "/dev/fuse", "/dev/kvm",
                     "/proc/kcore", "/proc/1/root{walled_bench.folder}/private", "{walled_bench.folder}/private"):
            try:
                content = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(10)
            except OSError:
                continue
            if content: print("READ", path, content)
        """
    )
    assert done.ok, walled_bench.log
    assert walled_bench.log == ""


def test_only_the_writable_binds_and_temporary_folders_can_be_written(walled_bench):
    (walled_bench.folder / "data").mkdir()
    (walled_bench.folder / "data" / "labels.csv").write_text("true")
    done = walled_bench.run(
        """
        import os
        for path in ("/", "/usr", "/etc", "/dev", "/rounds", os.environ["ROUNDS_CODE"], os.environ["ROUNDS_DATA"], os.path.dirname(os.__file__),
                     "/proc/sys/kernel", "/sys/fs/cgroup", "/opt", "/var/tmp", "/var", "/run"):
            try: open(path + "/written", "w").close()
            except OSError: continue
            print("WROTE", path)
        for path in (os.environ["ROUNDS_DATA"] + "/labels.csv", os.environ["ROUNDS_CODE"] + "/program.py"):
            for act in (lambda: open(path, "w"), lambda: os.unlink(path), lambda: os.chmod(path, 0o777), lambda: os.utime(path)):
                try: act()
                except OSError: continue
                print("CHANGED", path)
        """
    )
    assert done.ok, walled_bench.log
    assert walled_bench.log == ""
    assert (walled_bench.folder / "data" / "labels.csv").read_text() == "true"


def test_there_is_no_network_not_even_to_this_machine(walled_bench):
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def listen():
            while not reached:
                try:
                    connection, _ = server.accept()
                    connection.close()
                    reached.append("reached")
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        port = server.getsockname()[1]
        done = walled_bench.run(
            f"""
            import socket
            for place in (("127.0.0.1", {port}), ("1.1.1.1", 443), ("169.254.169.254", 80), ("172.17.0.1", 22)):
                try:
                    socket.create_connection(place, timeout=2).close()
                    print("REACHED", place)
                except OSError: pass
            try: print("RESOLVED", socket.getaddrinfo("example.org", 443))
            except OSError: pass
            print([name for _, name in socket.if_nameindex() if name not in ("lo", "tunl0", "sit0", "ip6tnl0", "gre0")])
            """
        )
        nobody = not reached
        reached.append("end")
        listener.join()
    assert done.ok, walled_bench.log
    assert nobody
    assert walled_bench.log == "[]\n"


def test_processes_of_one_job_can_talk_to_each_other(walled_bench):
    done = walled_bench.run(
        """
        import socket
        server = socket.create_server(("127.0.0.1", 0))
        socket.create_connection(server.getsockname(), timeout=5).close()
        print(socket.gethostbyname(socket.gethostname()) if socket.gethostname() != "rounds" else "named")
        """
    )
    assert done.ok, walled_bench.log


def test_a_job_has_no_rights_and_cannot_gain_any(walled_bench):
    done = walled_bench.run(
        """
        import ctypes, errno, os
        libc = ctypes.CDLL(None, use_errno=True)
        status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"): assert int(status[name], 16) == 0, (name, status[name])
        assert int(status["NoNewPrivs"]) == 1 and int(status["Seccomp"]) == 2, status
        assert os.getuid() != 0 and 0 not in os.getgroups(), (os.getuid(), os.getgroups())
        NEW_USER, NEW_MOUNT = 0x10000000, 0x00020000
        def refused(name, result): print(name, result) if result != -1 else None
        refused("unshare user", libc.unshare(NEW_USER))
        refused("unshare mount", libc.unshare(NEW_MOUNT))
        refused("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
        refused("chroot", libc.chroot(b"/tmp"))
        refused("setuid", libc.setuid(0))
        refused("mknod", libc.mknod(os.environ["ROUNDS_OUT"].encode() + b"/disk", 0o60666, os.makedev(8, 0)))
        refused("keyctl", libc.syscall(250, 0, -3, 1) if os.uname().machine == "x86_64" else -1)
        refused("bpf", libc.syscall(321, 0, 0, 0) if os.uname().machine == "x86_64" else -1)
        refused("hostname", libc.sethostname(b"mine", 4))
        """
    )
    assert done.ok, walled_bench.log
    assert walled_bench.log == ""


def test_a_job_sees_no_process_of_the_host(walled_bench):
    marker = "a-process-of-the-host"
    ours = threading.Event()
    done = walled_bench.run(
        f"""
        import os
        seen = [open(f"/proc/{{name}}/cmdline").read() for name in os.listdir("/proc") if name.isdigit()]
        assert len(seen) <= 4, seen
        for number in range(2, 4000):
            try: os.kill(number, 0)
            except (ProcessLookupError, PermissionError): continue
            print("SIGNALLED", number) if number not in (os.getpid(), os.getppid()) else None
        # {marker}
        """
    )
    assert not ours.is_set()
    assert done.ok, walled_bench.log
    assert "SIGNALLED" not in walled_bench.log


def test_a_link_out_of_the_output_folder_is_not_followed(walled_bench, studies):
    target = studies / "here" / "data" / "validation_labels.parquet"
    done = walled_bench.run(
        f"""
        import os
        os.chdir(os.environ["ROUNDS_OUT"])
        os.symlink("{target}", "predictions.csv")
        os.symlink("{target.parent}", "checkpoints")
        """
    )
    assert done.ok, walled_bench.log
    out = walled_bench.out
    assert (out / "predictions.csv").read_text() == SECRET  # what a careless reader would have got
    with pytest.raises(TrainingFailed, match="link"):
        read_bytes_safely(out / "predictions.csv", max_bytes=1000)
    with pytest.raises(TrainingFailed, match="link"):
        read_bytes_safely(out / "checkpoints" / target.name, max_bytes=1000, within=out)
    assert safe_files(out / "checkpoints", suffix=".parquet", max_count=9, max_bytes=1000, within=out) == ()
    assert safe_files(out, suffix=".csv", max_count=9, max_bytes=1000) == ()
    with pytest.raises(ValueError, match="link"):
        walled_bench.run("pass", binds=(Bind(name="CHECKPOINT", source=out / "predictions.csv"),))
    discard(out)
    assert target.read_text() == SECRET


def test_a_pipe_in_the_output_folder_does_not_hang_its_reader(walled_bench):
    assert walled_bench.run("import os; os.mkfifo(os.environ['ROUNDS_OUT'] + '/predictions.csv')").ok, walled_bench.log
    began = time.monotonic()
    with pytest.raises(TrainingFailed, match="not a regular file"):
        read_bytes_safely(walled_bench.out / "predictions.csv", max_bytes=1000)
    assert time.monotonic() - began < 20


def test_folders_nested_without_end_neither_break_the_host_nor_stay(walled_bench):
    done = walled_bench.run(
        """
        import os
        os.chdir(os.environ["ROUNDS_OUT"])
        for _ in range(700):
            os.mkdir("deeper")
            os.chdir("deeper")
        """
    )
    assert done.reason == "disk_full"
    discard(walled_bench.out)
    assert not walled_bench.out.exists()


def test_what_one_job_left_in_the_cache_does_not_lead_the_next_ones_folders_astray(walled_bench, studies):
    cache = walled_bench.folder / "cache"
    cache.mkdir()
    binds = (Bind(name="CACHE", source=cache, writable=True),)
    secret = studies / "here" / "holdout" / "labels.parquet"
    secret.chmod(0o600)
    before = secret.stat()
    assert walled_bench.run(
        f"import os; os.symlink('{secret}', os.environ['ROUNDS_CACHE'] + '/images.npy')", binds=binds
    ).ok
    assert walled_bench.run("pass", binds=binds).ok
    after = secret.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def test_private_folders_of_ours_can_be_lent_without_being_opened_to_others(walled_bench):
    private = walled_bench.folder / "private"
    private.mkdir(mode=0o700)
    (private / "image").write_text("pixels")
    (private / "image").chmod(0o600)
    done = walled_bench.run(
        "import os; print(open(os.environ['ROUNDS_IMAGES'] + '/image').read())",
        binds=(Bind(name="IMAGES", source=private),),
    )
    assert done.ok, walled_bench.log
    assert walled_bench.log == "pixels\n"
    assert private.stat().st_mode & 0o007 == 0
    assert (private / "image").stat().st_mode & 0o007 == 0
