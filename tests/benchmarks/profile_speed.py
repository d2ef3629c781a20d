"""Print how long the investigation of HAM10000 takes, and how much memory: at most 90 s on 2 cores is the target.

.venv/bin/python tests/benchmarks/profile_speed.py [folder of HAM10000]
.venv/bin/python tests/benchmarks/profile_speed.py --hashes 100000
.venv/bin/python tests/benchmarks/profile_speed.py --rows 100000
.venv/bin/python tests/benchmarks/profile_speed.py --missing 100000
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tasks import personal_data
from tasks.attributes import examine
from tasks.domain.manifest import Manifest
from tasks.domain.request import ColumnRoles, Request
from tasks.duplicates import Duplicates
from tasks.hazards.catalogue import hazards_of
from tasks.hazards.evidence import Evidence
from tasks.investigation import investigate
from tasks.perceptual_hash import near_pairs
from tasks.readers.discovery import read_folder, read_manifest
from tasks.splitting import split
from tasks.targets import targets_of

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


def table(n_rows, n_findings=14, n_columns=15):
    """Time all checks of a long table, without pictures: findings, columns, names of files, hazards."""
    random = np.random.default_rng(0)
    patient = random.integers(0, n_rows // 4, n_rows)
    rows = pd.DataFrame(
        {
            "image_id": [f"{number:016x}" for number in range(n_rows)],
            "file": [f"{number:08d}_{number % 7:03d}.png" for number in range(n_rows)],
            "row": np.arange(n_rows),
            "label": "",
            "group": patient.astype(str),
            "split": "",
            "supervision": "label",
            "width": random.choice([512, 1024], n_rows),
            "height": 1024,
            "pixels": [str(number) for number in range(n_rows)],
        }
    )
    for number in range(n_findings):
        rows[f"finding.f{number}"] = np.where(random.random(n_rows) < 0.02 * (number + 1), 1.0, 0.0)
    for number in range(n_columns):
        rows[f"attribute.number {number}"] = np.where(random.random(n_rows) < 0.1, np.nan, random.normal(size=n_rows))
        rows[f"attribute.scanner {number}"] = random.choice([f"scanner {code}" for code in range(20)], n_rows)
        rows[f"attribute.note {number}"] = [f"note {code} of somebody" for code in random.integers(0, n_rows, n_rows)]
    findings = tuple(f"f{number}" for number in range(n_findings))
    roles = ColumnRoles(group="patient")
    manifest = Manifest(rows=rows, images=Path(), kind="multi_label", roles=roles, findings=findings)
    start = time.perf_counter()
    columns = {name.removeprefix("attribute."): rows[name] for name in rows if name.startswith("attribute.")}
    suspicions = (*personal_data.in_columns(columns), *personal_data.in_file_names(rows["file"].tolist()))
    read = time.perf_counter()
    targets = targets_of(manifest)
    attributes, _ = examine(columns, targets, patient)
    examined = time.perf_counter()
    none = np.full(n_rows, -1)
    evidence = Evidence(
        manifest=manifest,
        targets=targets,
        duplicates=Duplicates(sets=none, exact=none, near=np.zeros((0, 2), dtype=np.int64)),
        columns=columns,
        attributes=attributes,
        thumbnails=random.integers(0, 255, (n_rows, 8, 8, 3), dtype=np.uint8),
        borders=random.integers(0, 255, (n_rows, 144, 3), dtype=np.uint8),
        test_fraction=0.15,
    )
    found = hazards_of(evidence, (), (), suspicions)
    done = time.perf_counter()
    print(f"rows {n_rows}, findings {n_findings}, columns {len(columns)}, hazards {len(found)}")
    print(f"look for personal data: {read - start:.1f} s")
    print(f"compare columns with findings: {examined - read:.1f} s")
    print(f"look for hazards: {done - examined:.1f} s")
    print(f"peak memory: {memory_mib()[0]:.0f} MiB")


def missing(n_rows, n_images=2_000):
    """Time the investigation of a folder whose table has many more rows than there are images."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [f"img{number:06d}.png" for number in range(n_rows)]
        for number in random.choice(n_rows, n_images, replace=False):
            Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / files[number])
        rows = {"image": files, "dx": random.choice(["mel", "nv", "bkl"], n_rows)}
        rows |= {"patient_id": random.integers(0, n_rows // 3, n_rows), "age": random.integers(18, 95, n_rows)}
        rows |= {"sex": random.choice(["m", "f"], n_rows), "hospital": random.choice(["A", "B", "C"], n_rows)}
        pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
        start = time.perf_counter()
        manifest = read_folder(folder)
        read = time.perf_counter()
        profile = investigate(manifest)[1]
        done = time.perf_counter()
    own, child = memory_mib()
    print(f"rows {n_rows}, images {profile.n_images}, left out {len(profile.quarantined)}")
    print(f"read the table: {read - start:.1f} s")
    print(f"investigate: {done - read:.1f} s")
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
    elif sys.argv[1:2] == ["--rows"]:
        table(int(sys.argv[2]))
    elif sys.argv[1:2] == ["--missing"]:
        missing(int(sys.argv[2]))
    else:
        investigation(Path(sys.argv[1]) if len(sys.argv) > 1 else HAM10000)
