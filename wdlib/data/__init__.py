"""The data room: dSprites and 3D Shapes by index, and seeded splits of a task's images."""

# ruff: noqa: F401
from wdlib.data.device import device_of
from wdlib.data.images import (
    Images,
    Stream,
    as_input,
    as_tensor,
    by_place,
    device_images,
    load,
    scaled,
    to_float,
)
from wdlib.data.split import Split, check_images, check_labels
