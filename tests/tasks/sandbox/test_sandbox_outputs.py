"""Reading what an enemy may have written."""

from __future__ import annotations

import os
import socket

import pytest

from tasks.domain.errors import TrainingFailed
from tasks.sandbox.outputs import copy_out, discard, opened, read_bytes_safely, safe_files


def test_an_ordinary_file_is_read_whole(tmp_path):
    (tmp_path / "predictions.csv").write_bytes(b"image,mel\n")
    assert read_bytes_safely(tmp_path / "predictions.csv", max_bytes=10) == b"image,mel\n"


def test_a_file_in_a_folder_of_the_job_is_read_through_its_folders(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x")
    assert read_bytes_safely(tmp_path / "a" / "b" / "file", max_bytes=10, within=tmp_path) == b"x"
    with opened(tmp_path, "a/b/file", max_bytes=1) as file:
        assert file.read() == b"x"


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: None, "is missing"),
        (lambda path: path.symlink_to("/etc/hostname"), "is a link"),
        (lambda path: path.mkdir(), "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.write_bytes(bytes(11)), "has 11 bytes, more than the 10 allowed"),
    ],
    ids=["missing", "link", "folder", "pipe", "too large"],
)
def test_everything_else_is_refused_by_name(tmp_path, make, complaint):
    make(tmp_path / "predictions.csv")
    with pytest.raises(TrainingFailed, match=f"predictions.csv {complaint}"):
        read_bytes_safely(tmp_path / "predictions.csv", max_bytes=10)


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("predictions.csv")
        with pytest.raises(TrainingFailed, match="not a regular file"):
            read_bytes_safely(tmp_path / "predictions.csv", max_bytes=10)


def test_an_endless_sparse_file_is_refused_without_reading_it(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(TrainingFailed, match="bytes"):
        read_bytes_safely(tmp_path / "huge", max_bytes=2**20)


def test_a_link_in_the_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "file").write_bytes(b"secret")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoints").symlink_to(tmp_path / "host")
    with pytest.raises(TrainingFailed, match="link"):
        read_bytes_safely(tmp_path / "out" / "checkpoints" / "file", max_bytes=10, within=tmp_path / "out")


@pytest.mark.parametrize("name", ["../file", "/etc/hostname", "a/../../file"])
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    (tmp_path / "out").mkdir()
    with pytest.raises(TrainingFailed, match="leads out"), opened(tmp_path / "out", name, max_bytes=10):
        pass


def test_only_regular_files_of_the_right_name_and_size_are_listed_newest_last(tmp_path):
    for place, name in enumerate(["c.safetensors", "a.safetensors", "b.safetensors"]):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (place, place))
    (tmp_path / "large.safetensors").write_bytes(bytes(100))
    (tmp_path / "code.pkl").write_bytes(b"x")
    (tmp_path / "link.safetensors").symlink_to("/etc/hostname")
    (tmp_path / "folder.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")
    found = safe_files(tmp_path, suffix=".safetensors", max_count=9, max_bytes=10)
    assert [path.name for path in found] == ["c.safetensors", "a.safetensors", "b.safetensors"]
    assert safe_files(tmp_path, suffix=".safetensors", max_count=1, max_bytes=10) == (tmp_path / "b.safetensors",)


def test_a_folder_that_is_not_there_holds_no_files(tmp_path):
    assert safe_files(tmp_path / "checkpoints", suffix="", max_count=1, max_bytes=1, within=tmp_path) == ()


def test_a_checkpoint_is_copied_whole_or_not_at_all(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one").write_bytes(b"weights")
    (tmp_path / "out" / "two").symlink_to("/etc/hostname")
    copy_out(tmp_path / "out" / "one", tmp_path / "kept", max_bytes=100)
    assert (tmp_path / "kept").read_bytes() == b"weights"
    with pytest.raises(TrainingFailed, match="link"):
        copy_out(tmp_path / "out" / "two", tmp_path / "other", max_bytes=100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "out"]


def test_discarding_a_folder_deletes_links_not_what_they_lead_to(tmp_path):
    (tmp_path / "host").write_text("stays")
    (tmp_path / "out" / "-rf").mkdir(parents=True)
    (tmp_path / "out" / "link").symlink_to(tmp_path / "host")
    discard(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["host"]
