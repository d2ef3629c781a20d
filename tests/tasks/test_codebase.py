import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.codebase import Codebase, create
from tasks.domain.errors import EditRejected, GitFailed, LockedFileChanged, StudyNotFound
from tasks.domain.round import Hypothesis, Proposal
from tasks.locks import check_folder, read_locks

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    image_size: int = 64  # pixels
"""
TEMPLATE = {
    "template.toml": """name = "tiny"
summary = "For tests."
recipe = "recipe.py"
locked = ["contract.py", "template.toml"]
train = ["python", "train.py"]
predict = ["python", "predict.py"]
""",
    "contract.py": "LIMIT = 3\n",
    "recipe.py": RECIPE,
    "train.py": "import contract\n\nprint(contract.LIMIT)\n",
    "predict.py": "print('predict')\n",
}


def write_template(folder, **changes):
    folder.mkdir()
    for name, text in {**TEMPLATE, **changes}.items():
        (folder / name).write_text(text)
    return folder


def proposal(**files):
    """Return a proposal; `train_py="..."` stands for the file train.py."""
    return Proposal(
        hypothesis=Hypothesis(title="a title", technique="x"),
        files={name.replace("_py", ".py").replace("_toml", ".toml"): text for name, text in files.items()},
    )


@pytest.fixture
def template(tmp_path):
    return write_template(tmp_path / "template")


@pytest.fixture
def codebase(tmp_path, template):
    return create(tmp_path / "codebase", template, recipe={"image_size": 96}, locks=tmp_path / "locks.json")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A codebase for tests that leave it as it is."""
    root = tmp_path_factory.mktemp("untouched")
    return create(root / "codebase", write_template(root / "template"), recipe={}, locks=root / "locks.json")


def git(codebase, *arguments):
    return subprocess.run(["git", "-C", codebase.folder, *arguments], capture_output=True, text=True, check=True).stdout


def test_round_0_is_the_template_with_the_recipe_of_the_study(codebase):
    assert codebase.source() == {**TEMPLATE, "recipe.py": RECIPE.replace("64", "96")}
    assert codebase.baseline == codebase.incumbent == codebase.commit_of(0)
    diff = codebase.diff(0)
    assert "-    image_size: int = 64  # pixels" in diff
    assert "+    image_size: int = 96  # pixels" in diff
    assert codebase.locked == ("contract.py", "template.toml")
    assert codebase.template.train == ("python", "train.py")


def test_people_find_an_ordinary_repository(codebase):
    commit = codebase.attempt(1, proposal(train_py="print(1)\n"), "Round 01: a title")
    codebase.keep(1)
    assert git(codebase, "status", "--porcelain") == ""
    assert (codebase.folder / "train.py").read_text() == "print(1)\n"
    assert git(codebase, "rev-parse", "HEAD", "round-01").split() == [commit, commit]
    assert git(codebase, "log", "--format=%an %ae %s").splitlines() == [
        "Rounds rounds@localhost Round 01: a title",
        "Rounds rounds@localhost Round 00: the recipe of this study",
        "Rounds rounds@localhost Template tiny",
    ]
    git(codebase, "fsck", "--strict")


def test_git_takes_nothing_from_the_environment_or_from_hooks(tmp_path, template, monkeypatch):
    home = tmp_path / "home"
    hooks = tmp_path / "hooks"
    for folder in (home, hooks):
        folder.mkdir()
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
        (hooks / hook).chmod(0o755)
    (home / ".gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n[user]\n\tname = Somebody\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    codebase = create(tmp_path / "codebase", template, recipe={}, locks=tmp_path / "locks.json")
    shutil.copytree(hooks, codebase.folder / ".git/hooks")
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    codebase.keep(1)
    assert not (tmp_path / "hooked").exists()
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert set(git(codebase, "log", "--format=%an").split()) == {"Rounds"}


def test_an_attempt_builds_on_the_incumbent_whatever_lies_in_the_working_tree(codebase):
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    git(codebase, "checkout", "--quiet", "--detach", "round-01")
    (codebase.folder / "predict.py").write_text("print('stray')\n")
    second = codebase.attempt(2, proposal(new_py="x = 1\n"), "two")
    source = codebase.source(second)
    assert source["train.py"] == TEMPLATE["train.py"]
    assert source["predict.py"] == TEMPLATE["predict.py"]
    assert source["new.py"] == "x = 1\n"
    assert "train.py" not in codebase.diff(2)


def test_a_kept_attempt_is_what_the_next_one_builds_on(codebase):
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    codebase.keep(1)
    second = codebase.attempt(2, proposal(new_py="x = 1\n"), "two")
    assert codebase.source(second)["train.py"] == "print(1)\n"
    assert codebase.source() == codebase.source(codebase.commit_of(1))


def test_keeping_is_idempotent_and_can_go_back(codebase):
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    codebase.keep(1)
    codebase.keep(1)
    assert codebase.incumbent == codebase.commit_of(1)
    codebase.keep(0)
    assert codebase.incumbent == codebase.baseline
    assert (codebase.folder / "train.py").read_text() == TEMPLATE["train.py"]


def test_an_unfinished_attempt_is_replaced(codebase):
    first = codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    second = codebase.attempt(1, proposal(train_py="print(2)\n"), "again")
    assert codebase.commit_of(1) == second != first
    assert "+print(2)" in codebase.diff(1)


def test_a_kept_attempt_is_not_replaced(codebase):
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    codebase.keep(1)
    for number in (0, 1):
        with pytest.raises(ValueError, match="part of the incumbent"):
            codebase.attempt(number, proposal(train_py="print(2)\n"), "again")


def test_a_message_is_kept_as_text_whatever_it_holds(codebase):
    message = "--amend; $(touch x) \u00e9 \ud800\0 `x`\n\nwhy"
    codebase.attempt(1, proposal(train_py="print(1)\n"), message)
    assert "--amend; $(touch x) \u00e9 ?" in git(codebase, "log", "-1", "--format=%B", "round-01")
    codebase.attempt(2, proposal(train_py="print(2)\n"), " ")
    assert git(codebase, "log", "-1", "--format=%s", "round-02") == "Round 02\n"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("contract.py", "LIMIT = 99\n", "contract.py is locked"),
        ("template.toml", "", "template.toml is locked"),
        ("./contract.py", "", "no file name"),
        ("/etc/passwd.py", "", "no file name"),
        ("../outside.py", "", "no file name"),
        ("x/../contract.py", "", "no file name"),
        ("contract/__init__.py", "", "no file name"),
        ("contract\\x.py", "", "no file name"),
        ("sub/module.py", "", "no file name"),
        (".git/config", "", "no file name"),
        (".gitattributes", "", "no file name"),
        ("Contract.py", "", "no file name"),
        ("CONTRACT.PY", "", "no file name"),
        ("contract.pyc", "", "no file name"),
        ("contract.so", "", "no file name"),
        ("run.sh", "", "no file name"),
        ("notes.md", "", "no file name"),
        ("train.py\n", "", "no file name"),
        ("tra\u0456n.py", "", "no file name"),
        ("nul\0.py", "", "no file name"),
        ("", "", "no file name"),
        ("a" * 300 + ".py", "", "no file name"),
        ("torch.py", "", "would shadow the module torch"),
        ("timm.py", "", "would shadow"),
        ("random.py", "", "would shadow"),
        ("json.py", "", "would shadow"),
        ("sitecustomize.py", "", "would shadow"),
        ("usercustomize.py", "", "would shadow"),
        ("safetensors.py", "", "would shadow"),
        ("numpy.py", "", "would shadow"),
        ("train.py", "def f(:\n", "not valid Python, line 1"),
        ("train.py", "x = 1\n    y = 2\n", "not valid Python, line 2"),
        ("train.py", "x = '\0'\n", "not valid Python"),
        ("train.py", "(" * 5000 + ")" * 5000, "not valid Python"),
        ("train.py", "-" * 100_000 + "1", "not valid Python"),
        ("train.py", "# -*- coding: utf-7 -*-\n", "utf-8"),
        ("train.py", "# -*- coding: nonsense -*-\n", "not valid Python"),
        ("train.py", "x = '\ud800'\n", "not valid Unicode"),
        ("train.py", "#" * 200_001, "at most 200000"),
        ("settings.toml", "= 1", "not valid TOML"),
    ],
)
def test_an_edit_that_is_not_allowed_is_rejected_with_the_reason(untouched, name, text, reason):
    before = git(untouched, "for-each-ref")
    with pytest.raises(EditRejected, match=reason):
        untouched.attempt(1, Proposal(hypothesis=Hypothesis(title="x", technique="x"), files={name: text}), "x")
    assert git(untouched, "for-each-ref") == before
    assert untouched.commit_of(1) is None


def test_one_bad_file_rejects_the_whole_edit(codebase):
    with pytest.raises(EditRejected):
        codebase.attempt(1, proposal(train_py="print(1)\n", contract_py=""), "x")
    assert codebase.commit_of(1) is None


def test_an_odd_escape_is_no_reason_to_refuse(codebase):
    codebase.attempt(1, proposal(train_py="x = '\\d'\n"), "x")


def test_a_template_may_have_a_module_that_an_edit_could_not_add(tmp_path):
    template = write_template(tmp_path / "template", **{"code.py": "x = 1\n"})
    codebase = create(tmp_path / "codebase", template, recipe={}, locks=tmp_path / "locks.json")
    codebase.attempt(1, proposal(code_py="x = 2\n"), "x")


def test_too_many_files_or_too_much_text_is_rejected(untouched):
    with pytest.raises(EditRejected, match="105 files"):
        untouched.attempt(1, proposal(**{f"part_{n}_py": "" for n in range(100)}), "x")
    with pytest.raises(EditRejected, match="bytes"):
        untouched.attempt(1, proposal(**{f"part_{n}_py": "#" * 199_000 for n in range(6)}), "x")


def test_an_edit_that_changes_nothing_is_rejected(untouched):
    for files in ({}, {"train_py": TEMPLATE["train.py"]}):
        with pytest.raises(EditRejected, match="changes no"):
            untouched.attempt(1, proposal(**files), "x")


def test_the_same_code_is_not_tried_twice(codebase):
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one, after a crash")
    with pytest.raises(EditRejected, match="same code as round-01"):
        codebase.attempt(2, proposal(train_py="print(1)\n"), "two")


def _rewrite(folder):
    (folder / "contract.py").write_text("LIMIT = 99\n")
    return r"contract\.py was changed"


def _remove(folder):
    (folder / "contract.py").unlink()
    return r"contract\.py is missing"


def _replace_by_link(folder):
    target = folder.with_name("elsewhere.py")
    (folder / "contract.py").rename(target)
    (folder / "contract.py").symlink_to(target)
    return r"contract\.py is a link"


def _shadow_by_package(folder):
    (folder / "contract").mkdir()
    (folder / "contract/__init__.py").write_text("")
    return "contract is a link or a folder"


def _shadow_by_extension(folder):
    (folder / "contract.abi3.so").write_bytes(b"")
    return "contract.abi3.so is neither"


def _shadow_a_library(folder):
    (folder / "torch.py").write_text("")
    return "torch.py would shadow"


def _run_at_start(folder):
    (folder / "sitecustomize.py").write_text("")
    return "sitecustomize.py would shadow"


TAMPERING = [
    _rewrite,
    _remove,
    _replace_by_link,
    _shadow_by_package,
    _shadow_by_extension,
    _shadow_a_library,
    _run_at_start,
]


@pytest.mark.parametrize("tamper", TAMPERING)
def test_tampering_with_the_working_tree_is_found_before_every_run(codebase, tmp_path, tamper):
    problem = tamper(codebase.folder)
    acts = {
        "check": codebase.check_locks,
        "export": lambda: codebase.export(codebase.baseline, tmp_path / "exported"),
        "attempt": lambda: codebase.attempt(1, proposal(train_py="print(1)\n"), "x"),
        "keep": lambda: codebase.keep(0),
    }
    for act in acts.values():
        with pytest.raises(LockedFileChanged, match=problem):
            act()
    assert not (tmp_path / "exported").exists()


@pytest.mark.parametrize("tamper", TAMPERING)
def test_tampering_with_an_exported_folder_is_found(codebase, tmp_path, tamper):
    codebase.export(codebase.baseline, tmp_path / "exported")
    codebase.check_locks(tmp_path / "exported")
    (tmp_path / "exported/contract.py").chmod(0o600)
    problem = tamper(tmp_path / "exported")
    with pytest.raises(LockedFileChanged, match=problem):
        codebase.check_locks(tmp_path / "exported")


def test_a_forged_cache_beside_exported_code_is_found(codebase, tmp_path):
    codebase.export(codebase.baseline, tmp_path / "exported")
    (tmp_path / "exported/__pycache__").mkdir()
    with pytest.raises(LockedFileChanged, match="__pycache__"):
        codebase.check_locks(tmp_path / "exported")


def test_a_commit_with_a_rewritten_locked_file_does_not_run(codebase, tmp_path):
    (codebase.folder / "contract.py").write_text("LIMIT = 99\n")
    git(codebase, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-am", "forged")
    forged = git(codebase, "rev-parse", "HEAD").strip()
    (codebase.folder / "contract.py").write_text(TEMPLATE["contract.py"])
    with pytest.raises(LockedFileChanged, match=r"contract\.py was changed"):
        codebase.export(forged, tmp_path / "exported")
    with pytest.raises(LockedFileChanged, match=r"contract\.py was changed"):
        codebase.attempt(1, proposal(train_py="print(1)\n"), "x")


def test_a_commit_with_a_folder_does_not_run(codebase, tmp_path):
    (codebase.folder / "sub").mkdir()
    (codebase.folder / "sub/x.py").write_text("")
    git(codebase, "add", "-A")
    git(codebase, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "forged")
    shutil.rmtree(codebase.folder / "sub")
    with pytest.raises(LockedFileChanged, match="flat folder"):
        codebase.export(git(codebase, "rev-parse", "HEAD").strip(), tmp_path / "exported")


@pytest.mark.parametrize(
    "damage", [lambda file: file.unlink(), lambda file: file.write_text("{}"), lambda file: file.write_text("[")]
)
def test_without_the_hashes_kept_outside_nothing_runs(codebase, tmp_path, damage):
    damage(codebase.locks)
    with pytest.raises(LockedFileChanged, match="cannot be read"):
        codebase.export(codebase.baseline, tmp_path / "exported")


def test_an_export_is_the_commit_and_nothing_else(codebase, tmp_path):
    commit = codebase.attempt(1, proposal(train_py="print('\u00e9')\n", new_py="x = 1\r\n"), "one")
    (codebase.folder / "stray.py").write_text("")
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported/old.py").write_text("")
    codebase.export(commit, tmp_path / "exported")
    files = {path.name: path.read_bytes().decode() for path in (tmp_path / "exported").iterdir()}
    assert files == codebase.source(commit)
    for path in (tmp_path / "exported").iterdir():
        assert path.stat().st_mode & 0o777 == 0o444
        assert path.stat().st_mtime == 0


def test_the_hash_of_code_is_of_names_and_contents_only(codebase):
    first = codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    sha256 = codebase.code_sha256(first)
    again = codebase.attempt(1, proposal(train_py="print(1)\n"), "the same, later")
    assert codebase.code_sha256(again) == sha256
    assert codebase.code_sha256(codebase.baseline) != sha256


def test_what_is_not_there_is_said_to_be_missing(codebase, tmp_path):
    for act in (codebase.diff, codebase.keep):
        with pytest.raises(StudyNotFound, match="round-07"):
            act(7)
    nowhere = Codebase(tmp_path / "nowhere", tmp_path / "locks.json")
    assert nowhere.commit_of(0) is None
    with pytest.raises(StudyNotFound, match="main"):
        nowhere.source()


def test_a_repository_around_the_study_is_never_taken_for_its_own(codebase, tmp_path):
    git(codebase, "clone", "--quiet", ".", tmp_path / "around")
    inside = tmp_path / "around/study"
    inside.mkdir()
    with pytest.raises(StudyNotFound):
        Codebase(inside, tmp_path / "locks.json").source()


def test_a_damaged_repository_and_a_missing_git_stop_the_study(codebase, monkeypatch):
    commit = codebase.baseline
    for blob in (codebase.folder / ".git/objects").glob("??/*"):
        blob.chmod(0o600)
        blob.write_bytes(b"")
    with pytest.raises(GitFailed, match="ls-tree"):
        codebase.source(commit)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(GitFailed, match="git is not installed"):
        codebase.source(commit)


def test_locks_inside_the_codebase_are_refused(tmp_path, template):
    with pytest.raises(ValueError, match="outside"):
        create(tmp_path / "codebase", template, recipe={}, locks=tmp_path / "codebase/locks.json")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"template.toml": "name = 3"}, "not valid"),
        ({"template.toml": "= x"}, "not valid"),
        ({"template.toml": TEMPLATE["template.toml"] + 'surprise = "x"\n'}, "surprise"),
        ({"template.toml": TEMPLATE["template.toml"].replace("contract.py", "gone.py")}, "has no gone.py"),
        (
            {"template.toml": TEMPLATE["template.toml"].replace('recipe = "recipe.py"', 'recipe = "gone.py"')},
            "has no gone.py",
        ),
        ({"template.toml": TEMPLATE["template.toml"].replace("contract.py", "recipe.py")}, "is locked"),
    ],
)
def test_a_bad_template_is_refused(tmp_path, changes, problem):
    template = write_template(tmp_path / "template", **changes)
    with pytest.raises(ValueError, match=problem):
        create(tmp_path / "codebase", template, recipe={}, locks=tmp_path / "locks.json")


def test_a_folder_that_is_no_flat_template_is_refused(tmp_path, template):
    (template / "sub").mkdir()
    with pytest.raises(ValueError, match="not a flat folder"):
        create(tmp_path / "codebase", template, recipe={}, locks=tmp_path / "locks.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no template\.toml"):
        create(tmp_path / "codebase", tmp_path / "empty", recipe={}, locks=tmp_path / "locks.json")


def test_a_file_of_another_type_in_a_template_is_locked(tmp_path):
    template = write_template(tmp_path / "template", **{"README.md": "read me\n"})
    codebase = create(tmp_path / "codebase", template, recipe={}, locks=tmp_path / "locks.json")
    assert "README.md" in codebase.locked
    codebase.export(codebase.baseline, tmp_path / "exported")


def test_an_unknown_field_of_the_recipe_is_refused_and_leaves_nothing(tmp_path, template):
    with pytest.raises(ValueError, match="no field colour"):
        create(tmp_path / "codebase", template, recipe={"colour": 1}, locks=tmp_path / "locks.json")
    assert not (tmp_path / "codebase").exists()
    assert not (tmp_path / "locks.json").exists()


def test_a_codebase_without_attempts_is_made_anew_and_one_with_attempts_is_kept(tmp_path, template, codebase):
    codebase = create(tmp_path / "codebase", template, recipe={"image_size": 32}, locks=codebase.locks)
    assert "= 32" in codebase.source()["recipe.py"]
    commit = codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    codebase = create(tmp_path / "codebase", template, recipe={"image_size": 32}, locks=codebase.locks)
    assert codebase.commit_of(1) == commit
    with pytest.raises(ValueError, match="another template or recipe"):
        create(tmp_path / "codebase", template, recipe={"image_size": 64}, locks=codebase.locks)
    (template / "predict.py").write_text("print('other')\n")
    with pytest.raises(ValueError, match="another template or recipe"):
        create(tmp_path / "codebase", template, recipe={"image_size": 32}, locks=codebase.locks)


@pytest.mark.parametrize(
    "name", ["index.lock", "refs/heads/main.lock", "refs/tags/round-01.lock", "HEAD.lock", "packed-refs.lock"]
)
def test_a_lock_file_that_a_killed_git_left_is_no_obstacle(codebase, name):
    (codebase.folder / ".git" / name).write_bytes(b"")
    codebase.attempt(1, proposal(train_py="print(1)\n"), "one")
    (codebase.folder / ".git" / name).write_bytes(b"")
    codebase.keep(1)
    assert git(codebase, "status", "--porcelain") == ""


def _work_for_ever(template, root):
    number = 0
    while True:
        codebase = create(root / "codebase", template, recipe={"image_size": 96}, locks=root / "locks.json")
        number = 1 + number % 9
        if number == 1:
            codebase.keep(0)
        codebase.attempt(number, proposal(train_py=f"print({random.random()})\n"), "x")
        codebase.keep(number)
        codebase.export(codebase.incumbent, root / "exported")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_at_any_moment_leaves_a_codebase_to_go_on_with(tmp_path, template):
    context = multiprocessing.get_context("fork")
    chance = random.Random(5)
    for _ in range(8):
        child = context.Process(target=_work_for_ever, args=(template, tmp_path))
        child.start()
        time.sleep(chance.uniform(0.02, 0.3))
        os.kill(child.pid, signal.SIGKILL)
        child.join(10)
        codebase = create(tmp_path / "codebase", template, recipe={"image_size": 96}, locks=tmp_path / "locks.json")
        codebase.keep(0)
        codebase.attempt(1, proposal(train_py=f"print({chance.random()})\n"), "one")
        codebase.keep(1)
        codebase.export(codebase.incumbent, tmp_path / "exported")
        assert git(codebase, "status", "--porcelain") == ""
        assert {path.name for path in (tmp_path / "exported").iterdir()} == set(TEMPLATE)
    git(codebase, "fsck", "--strict")


def test_the_template_for_classification_becomes_a_codebase_that_compiles(tmp_path):
    template = ROOT / "model_templates/classification"
    codebase = create(
        tmp_path / "codebase", template, recipe={"image_size": 96, "seed": 3}, locks=tmp_path / "locks.json"
    )
    assert "contract.py" in codebase.locked
    commit = codebase.attempt(1, proposal(extra_py="x = 1\n"), "one")
    codebase.export(commit, tmp_path / "exported")
    check_folder(read_locks(codebase.locks), tmp_path / "exported")
    for name, text in codebase.source(commit).items():
        if name.endswith(".py"):
            compile(text, name, "exec")
    program = "import recipe; print(recipe.Recipe().image_size, recipe.Recipe().seed)"
    run = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=tmp_path / "exported", capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["96", "3"]


def test_a_kept_change_can_be_left_out_while_later_ones_stay(codebase):
    codebase.attempt(1, proposal(train_py="import contract\n\n# a\nprint(contract.LIMIT)\n"), "Round 01")
    codebase.keep(1)
    codebase.attempt(2, proposal(predict_py="print('other')\n", more_py="MORE = 1\n"), "Round 02")
    codebase.keep(2)
    assert codebase.without(1) == {"train.py": TEMPLATE["train.py"]}
    assert codebase.without(2) == {"predict.py": TEMPLATE["predict.py"]}
    codebase.attempt(3, proposal(train_py="import contract\n\n# b\nprint(contract.LIMIT)\n"), "Round 03")
    codebase.keep(3)
    assert codebase.without(1) is None
    with pytest.raises(StudyNotFound):
        codebase.without(4)
