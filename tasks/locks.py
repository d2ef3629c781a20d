"""Hold the locked files of a codebase, and everything that could stand in for one, to what the template was.

The hashes are kept outside the codebase. Shadowing matters because Python looks in the folder of a program first: a file `json.py`
there changes what the locked `contract.py` does without touching it, and so does a forged `__pycache__`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import stat
import sys
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

from tasks.domain.errors import LockedFileChanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

EDITABLE = (".py", ".toml")
"""File types that an edit may change or add, unless locked."""

_IN_THE_IMAGE = """
PIL certifi dateutil filelock fsspec functorch huggingface_hub idna isympy jinja2 markupsafe mpmath networkx numpy packaging pandas
pip pkg_resources pytz regex requests safetensors scipy setuptools sitecustomize six sklearn sympy timm torch torchgen torchvision
tqdm triton typing_extensions urllib3 usercustomize yaml
"""
"""What a codebase can import in the sandbox whatever this machine has, and the modules that Python runs at start by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """What is known of a study's template outside its codebase."""

    template: str
    """Name of the template."""
    template_sha256: str
    """Over all its files."""
    recipe: dict[str, object]
    """Defaults that the study set."""
    locked: dict[str, str]
    """SHA-256 of each locked file."""
    modules: tuple[str, ...]
    """Names that the template's own modules have, and therefore may have."""

    def write(self, file: Path) -> None:
        """Keep them, in one step."""
        partial = file.with_name(f"{file.name}.partial")
        partial.write_text(json.dumps(asdict(self), indent=1, sort_keys=True), encoding="utf-8")
        partial.replace(file)


def read_locks(file: Path) -> Locks:
    """Return the locks of a study.

    Raises:
        LockedFileChanged: They are gone or damaged, so nothing can be compared with them.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
        return Locks(**{**content, "modules": tuple(content["modules"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LockedFileChanged(f"the hashes of the locked files cannot be read: {file}") from error


def check_contents(locks: Locks, files: Mapping[str, bytes]) -> None:
    """Compare the locked files among the files of a commit, and look for what could stand in for one.

    Raises:
        LockedFileChanged: A locked file is missing or differs, or a module would shadow another one.
    """
    for name, expected in locks.locked.items():
        if name not in files:
            raise LockedFileChanged(f"the locked file {name} is missing")
        if sha256(files[name]) != expected:
            raise LockedFileChanged(f"the locked file {name} was changed")
    for name in files:
        problem = shadowing(name, locks)
        if problem:
            raise LockedFileChanged(problem)


def check_folder(locks: Locks, folder: Path, *, ignore: Iterable[str] = ()) -> None:
    """Compare a codebase in a folder; only plain files of known types may lie there.

    Args:
        locks: What it must agree with.
        folder: Flat folder of a codebase.
        ignore: Names that are no part of it.

    Raises:
        LockedFileChanged: See `check_contents`; or there is a link, a folder or a file of another type.
    """
    files = {}
    ignored = set(ignore)
    for path in sorted(folder.iterdir()):
        if path.name in ignored:
            continue
        if not stat.S_ISREG(path.lstat().st_mode):
            raise LockedFileChanged(f"{path.name} is a link or a folder; a codebase is a flat folder of plain files")
        files[path.name] = path.read_bytes()
    check_contents(locks, files)


def shadowing(name: str, locks: Locks) -> str:
    """Return why a file of this name may not be part of a codebase, or nothing."""
    if "/" in name:
        return f"{name} lies in a folder of its own; a codebase is a flat folder"
    if name in locks.locked:
        return ""
    if not name.endswith(EDITABLE):
        return f"{name} is neither {' nor '.join(EDITABLE)}"
    module = name.split(".", maxsplit=1)[0]
    if name.endswith(".py") and module not in locks.modules and module.casefold() in _known_modules():
        return f"{name} would shadow the module {module} that others import"
    return ""


def sha256(content: bytes) -> str:
    """Return the hash of a content, as hex."""
    return hashlib.sha256(content).hexdigest()


def tree_sha256(files: Mapping[str, bytes]) -> str:
    """Return one hash over names and contents of files."""
    listing = "".join(f"{sha256(content)}  {name}\n" for name, content in sorted(files.items()))
    return sha256(listing.encode())


@cache
def _known_modules() -> frozenset[str]:
    names = {*sys.stdlib_module_names, *_IN_THE_IMAGE.split(), *importlib.metadata.packages_distributions()}
    return frozenset(name.casefold() for name in names)
