"""The house as design.md draws it, kept by tests."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("flows", "agents", "tasks", "deployments")
FORBIDDEN = {"utils", "common", "helpers", "base", "manager", "types"}


def sources() -> list[Path]:
    return [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_resolves_to_this_repository(package: str) -> None:
    assert Path(str(importlib.import_module(package).__file__)).is_relative_to(ROOT)


def test_no_module_shadows_the_standard_library_or_has_a_name_that_says_nothing() -> None:
    names = {file.stem for file in sources() if file.stem != "__init__"}
    assert not names & FORBIDDEN
    top_level = {item.name for item in ROOT.iterdir() if item.is_dir()} | {item.stem for item in ROOT.glob("*.py")}
    assert not top_level & sys.stdlib_module_names


def test_init_files_hold_a_docstring_only() -> None:
    for file in sources():
        if file.name == "__init__.py":
            tree = ast.parse(file.read_text())
            assert ast.get_docstring(tree), file
            assert len(tree.body) == 1, file


def test_tests_are_no_packages_and_have_names_of_their_own() -> None:
    files = list((ROOT / "tests").rglob("*.py"))
    assert not [file for file in files if file.name == "__init__.py"]
    assert not [
        file for package in (*PACKAGES, "model_templates", "infra") for file in (ROOT / package).rglob("test_*.py")
    ]


def test_no_source_file_is_longer_than_it_can_be_read() -> None:
    long = {
        str(file.relative_to(ROOT)): lines for file in sources() if (lines := len(file.read_text().splitlines())) > 330
    }
    assert not long


def test_no_flow_module_reads_the_environment_but_the_settings() -> None:
    for file in sources():
        if file.relative_to(ROOT).as_posix() == "flows/settings.py":
            continue
        text = file.read_text()
        assert "os.environ[" not in text or "sandbox" in file.parts or file.name == "repository.py", file
        assert "os.getenv" not in text, file


def test_a_flow_file_and_its_flow_have_one_name() -> None:
    for file in (ROOT / "flows").glob("*.py"):
        flows = [
            node.name
            for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.FunctionDef)
            and any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "flow" for d in node.decorator_list)
        ]
        assert flows in ([], [file.stem]), file


BREACHES = {
    "Only flows know Prefect": ("tasks/breach.py", "import prefect\n"),
    "Agents know the domain and nothing that acts": ("agents/breach.py", "import tasks.storage\n"),
    "The domain needs the standard library only": ("tasks/domain/breach.py", "import numpy\n"),
    "Docker has one door": ("tasks/breach.py", "import docker\n"),
    "MLflow has one door": ("flows/breach.py", "import mlflow\n"),
    "The holdout has one door": ("flows/breach.py", "import tasks.holdout\n"),
    "never the other way": ("tasks/breach.py", "import flows.settings\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("contract", BREACHES)
def test_each_import_contract_was_seen_to_fail(contract: str, tmp_path: Path) -> None:
    """A copy of the house with one forbidden import must be refused by the contract that forbids it."""
    place, line = BREACHES[contract]
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            copy = tmp_path / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(file.read_text())
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / place).write_text(f'"""A breach."""\n\n{line}')
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(
        [*command, "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    broken = [text for text in done.stdout.splitlines() if " BROKEN" in text]
    assert done.returncode == 1, done.stdout + done.stderr
    assert [text for text in broken if contract in text], done.stdout


@pytest.mark.slow
def test_the_house_keeps_its_import_contracts() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
