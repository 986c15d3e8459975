"""The data room: dSprites and 3D Shapes, drawn or read, and seeded splits of a task's images."""

from wdlib.data.images import Images, device_images, load, to_float
from wdlib.data.split import Split, check_images, check_labels

__all__ = [
    "Images",
    "Split",
    "check_images",
    "check_labels",
    "device_images",
    "load",
    "to_float",
]
