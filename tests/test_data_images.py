"""The view over a dataset: lazy, in order, the same from every door."""

import numpy as np
import pytest
import torch

from wdlib.data import Images, device_images, load, to_float
from wdlib.data.images import CHUNK
from wdlib.factors import FactorSpace

# A dataset whose every picture spells its own number, so that order and place can be checked.
COUNTING = FactorSpace(("tens", "ones"), (tuple(range(400)), tuple(range(10))))


def spell(classes):
    numbers = COUNTING.index(classes)
    images = np.zeros((len(numbers), 64, 64), np.uint8)
    images[:, 0, :12] = numbers[:, None] >> np.arange(12) & 1
    return images


def read(images):
    return (images[..., 0, :12] << np.arange(12)).sum(-1)


COUNTED = Images(COUNTING, (64, 64), "drawn", spell, threads=2)


def test_images_keep_the_order_asked_for_across_chunks_and_threads():
    numbers = np.random.default_rng(0).integers(len(COUNTED), size=3 * CHUNK + 17)
    np.testing.assert_array_equal(read(COUNTED[numbers]), numbers)
    np.testing.assert_array_equal(read(COUNTED.draw(COUNTING.classes(numbers))), numbers)


def test_images_are_indexed_as_arrays_are():
    assert len(COUNTED) == 4000
    assert COUNTED[7].shape == (64, 64) and read(COUNTED[7]) == 7
    np.testing.assert_array_equal(read(COUNTED[10:20:3]), [10, 13, 16, 19])
    np.testing.assert_array_equal(read(COUNTED[-2:]), [3998, 3999])
    assert COUNTED[[]].shape == (0, 64, 64)


def test_what_a_thread_raises_arrives():
    def fail(classes):
        raise ValueError("the brush broke")

    with pytest.raises(ValueError, match="the brush broke"):
        Images(COUNTING, (64, 64), "drawn", fail, threads=2)[np.arange(3 * CHUNK)]


def test_dsprites_are_drawn_by_default():
    images = load("dSprites")
    assert images.source == "drawn" and images.shape == (64, 64) and len(images) == 737280
    square = images[0]  # smallest, upright, at (16, 16): a block of 10 x 10
    assert square.dtype == np.uint8 and square.sum() == 100 and square[11:21, 11:21].all()
    # A full row of positions: the last factor, posY, moves down.
    rows = np.nonzero(images[[0, 31]].any(2))[1].reshape(2, -1)
    np.testing.assert_array_equal(rows[1] - rows[0], 32)


def test_numbers_outside_the_dataset_are_named():
    images = load("dsprites")
    with pytest.raises(ValueError, match="0 to 737279"):
        images[737280]
    with pytest.raises(ValueError, match="0 to 737279, got -1"):
        images[-1]
    with pytest.raises(ValueError, match="classes of shape are 0 to 2, got 3"):
        images.draw([[0, 3, 0, 0, 0, 0]])


def test_another_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="'dsprite'; did you mean dsprites"):
        load("dsprite")
    with pytest.raises(ValueError, match="did you mean shapes3d"):
        load("3dshapes")


def test_to_float_has_channels_first_and_lies_in_0_1():
    grey = np.zeros((2, 64, 64), np.uint8)
    grey[1, 3, 5] = 1
    x = to_float(grey)
    assert x.shape == (2, 1, 64, 64) and x.dtype == torch.float32
    assert x.sum() == 1 and x[1, 0, 3, 5] == 1
    colour = np.zeros((2, 64, 64, 3), np.uint8)
    colour[0, 3, 5] = [255, 51, 0]
    x = to_float(colour, torch.float64)
    assert x.shape == (2, 3, 64, 64) and x.dtype == torch.float64
    np.testing.assert_allclose(x[0, :, 3, 5], [1, 0.2, 0])
    assert x.sum() == 1.2
    # What is resident already has channels first.
    assert torch.equal(to_float(torch.from_numpy(colour).permute(0, 3, 1, 2), torch.float64), x)


FLIPS = {"rows": np.s_[:, ::-1], "all": np.s_[::-1, ::-1, ::-1], "every other": np.s_[::-2]}


@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("shape", [(4, 64, 64), (4, 64, 64, 3), (1, 64, 64)])
def test_flipped_images_are_images_too(flip, shape):
    images = np.random.default_rng(0).integers(2, size=shape, dtype=np.uint8)[FLIPS[flip]]
    assert min(images.strides) < 0
    torch.testing.assert_close(to_float(images), to_float(images.copy()), rtol=0, atol=0)


def test_to_float_leaves_its_input_alone():
    colour = torch.full((1, 3, 64, 64), 255, dtype=torch.uint8)
    to_float(colour)
    assert (colour == 255).all()


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((1, 64, 64), np.float32), "must be uint8, got torch.float32"),
        (np.zeros((64, 64), np.uint8), r"got \(64, 64\)"),
        (np.zeros((1, 64, 64, 4), np.uint8), r"got \(1, 64, 64, 4\)"),
    ],
)
def test_to_float_takes_nothing_but_images(images, said):
    with pytest.raises(ValueError, match=said):
        to_float(images)


def test_device_images_are_the_drawn_ones():
    images = load("dsprites")
    numbers = np.random.default_rng(3).integers(len(images), size=4 * CHUNK + 5)
    resident = device_images(images, images.space.classes(numbers))
    assert resident.shape == (len(numbers), 1, 64, 64) and resident.dtype == torch.uint8
    np.testing.assert_array_equal(resident[:, 0].numpy(), 255 * images[numbers])
