import imagehash
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from tasks.perceptual_hash import hashes_of_all_views, near_pairs

# In the order of the views: as it is, transposed; mirrored left-right, then so; up-down, then so; both, then so.
MIRRORS = (None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)


def picture(seed, size=(64, 64)):
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=size[::-1]), 2)
    return Image.fromarray(np.uint8(255 * (noise - noise.min()) / np.ptp(noise)))


def views(image):
    for mirror in MIRRORS:
        seen = image if mirror is None else image.transpose(mirror)
        yield seen
        yield seen.transpose(Image.Transpose.TRANSPOSE)


def bits(hashes):
    return np.unpackbits(hashes.view(np.uint8), axis=-1).reshape(-1, 16, 16).astype(bool)


def test_one_transform_gives_the_hashes_of_really_flipped_and_turned_pictures():
    for seed in range(5):
        image = picture(seed)
        ours = bits(hashes_of_all_views(image))
        for view, seen in zip(ours, views(image), strict=True):
            assert np.array_equal(view, imagehash.phash(seen, hash_size=16).hash)


def test_resizing_before_the_turn_costs_a_few_bits_at_most():
    image = picture(9, size=(200, 150))
    ours = bits(hashes_of_all_views(image))
    differing = [
        int((view != imagehash.phash(seen, hash_size=16).hash).sum())
        for view, seen in zip(ours, views(image), strict=True)
    ]
    assert differing[0] == 0
    assert max(differing) <= 8


def test_a_turned_and_brightened_copy_is_near_and_another_picture_is_not():
    image = picture(1)
    copy = image.transpose(Image.Transpose.ROTATE_90).point(lambda value: min(255, int(value * 1.15)))
    hashes = np.stack([hashes_of_all_views(one) for one in (image, picture(2), copy)])
    assert near_pairs(hashes)[:, :2].tolist() == [[0, 2]]


@pytest.mark.parametrize("most_bits", [3, 16, 40])
def test_the_search_finds_what_comparing_all_pairs_finds(most_bits):
    random = np.random.default_rng(most_bits)
    hashes = random.integers(0, 2**63, size=(120, 8, 4), dtype=np.uint64)
    for copy, flips in zip(range(60, 120), random.integers(0, 60, 60), strict=True):
        flipped = np.zeros(256, dtype=np.uint8)
        flipped[random.choice(256, flips, replace=False)] = 1
        hashes[copy, 3] = hashes[copy - 60, 0] ^ np.packbits(flipped).view(np.uint64)
    found = {
        (int(one), int(other)): int(differing) for one, other, differing in near_pairs(hashes, most_bits=most_bits)
    }
    expected = {}
    for other in range(120):
        for one in range(other):
            differing = int(np.bitwise_count(hashes[other] ^ hashes[one, 0]).sum(axis=1).min())
            if differing <= most_bits:
                expected[one, other] = differing
    assert found == expected
    assert found


def test_one_picture_has_no_pair():
    assert near_pairs(hashes_of_all_views(picture(0))[None]).shape == (0, 3)
