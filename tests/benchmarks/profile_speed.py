"""Print how long the investigation of HAM10000 takes, and how much memory: at most 90 s on 2 cores is the target.

.venv/bin/python tests/benchmarks/profile_speed.py [folder of HAM10000]
.venv/bin/python tests/benchmarks/profile_speed.py --hashes 100000
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np

from tasks.domain.request import Request
from tasks.investigation import investigate
from tasks.perceptual_hash import near_pairs
from tasks.readers.discovery import read_manifest
from tasks.splitting import split

HAM10000 = Path(__file__).resolve().parents[2] / "../shared/data/ham10000"


def memory_mib():
    """Return the peak memory of this process and of its largest child, in MiB."""
    return [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]


def investigation(folder):
    start = time.perf_counter()
    manifest = read_manifest(Request(text="", images=folder / "images", table=folder / "metadata.csv"))
    read = time.perf_counter()
    manifest, profile = investigate(manifest)
    investigated = time.perf_counter()
    split(manifest, seed=0)
    done = time.perf_counter()
    own, child = memory_mib()
    print(f"images {profile.n_images}")
    print(f"read the table: {read - start:.1f} s")
    print(f"investigate: {investigated - read:.1f} s")
    print(f"split: {done - investigated:.1f} s")
    print(f"peak memory: {own:.0f} MiB, each process that decodes {child:.0f} MiB")


def search(n_images):
    """Time the search for near duplicates alone, on hashes that share their low frequencies as skin images do."""
    random = np.random.default_rng(0)
    prototypes = random.integers(0, 2, size=(50, 256), dtype=np.uint8)
    noise = random.random((n_images, 256)) < np.linspace(0.1, 0.5, 256)
    plain = np.packbits(prototypes[random.integers(0, 50, n_images)] ^ noise, axis=1).view(np.uint64)
    turns = np.packbits(random.integers(0, 2, size=(8, 256), dtype=np.uint8), axis=1).view(np.uint64)
    turns[0] = 0
    start = time.perf_counter()
    pairs = near_pairs(plain[:, None, :] ^ turns)
    print(f"{n_images} hashes: {len(pairs)} pairs in {time.perf_counter() - start:.1f} s, {memory_mib()[0]:.0f} MiB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--hashes"]:
        search(int(sys.argv[2]))
    else:
        investigation(Path(sys.argv[1]) if len(sys.argv) > 1 else HAM10000)
