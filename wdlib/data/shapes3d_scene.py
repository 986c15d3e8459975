"""The scene of 3D Shapes, ray cast: a room, one object, a spot light and a headlight.

Lengths are in units of the room and z is up. The object stands at the origin, and the camera moves
around it. Each pixel has a material, a brightness v and a gloss spec; its colour is
clip(HSV(hue, 1, 1) * v + spec, 0, 1). So one cast serves every hue.

Source: the dataset of Burgess and Kim (2018), https://github.com/google-deepmind/3d-shapes. The
constants were fitted to published images. On 25 of them, pixels differ by .94 of 255 on average
(by .95 in ``draw``, whose planes are rounded).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wdlib.factors import SHAPES3D

RESOLUTION = 192  # pixels a side, one ray each; an image has a third of that
FLOOR, WALL, OBJECT, SKY = range(4)
SKY_COLOUR = np.array([153, 226, 249]) / 255

ROOM = 3.5  # half side
WALL_HEIGHT = 2.0  # and no ceiling
DISTANCE, EYE = 2.573, 0.752  # of the camera from the axis and above the floor
FOCAL, CENTRE_X, CENTRE_Y = 69.4, 32.0, 31.99  # in pixels of the 64 x 64 image

LIGHT = np.array([-1.44, 0.77, 7.26])
AIM = np.array([-1.494, 0.41, 0.0])  # where the spot light points
FOCUS = 9.3  # exponent of its fall-off with the angle
AMBIENT, SPOT, HEADLIGHT = 0.344, 0.963, 0.602
GLOSS = 0.15  # of the spot light on the object

# The wall's texture dims all of it, and more so in a blotch that repeats along every wall. A blotch
# is two ellipses: (centre, radii) in (along the wall, rightwards seen from inside; height).
TEXTURE, BLOTCH, BLOTCH_EVERY = 0.994, 0.95, 2.0
BLOTCHES = (((0.093, 1.053), (0.226, 0.264)), ((0.354, 0.795), (0.209, 0.13)))


@dataclass(frozen=True)
class Solid:
    """An upright cube, cylinder, sphere or capsule, centred on the z axis."""

    kind: str
    radius: float  # half the side of a cube
    half: float  # half the height of a cylinder, or of a capsule without its caps
    sunk: float  # how far its lowest point lies below the floor

    @property
    def height(self) -> float:
        """Height of the centre above the floor."""
        rises = {"cube": self.radius, "sphere": self.radius, "cylinder": self.half}
        return rises.get(self.kind, self.half + self.radius) - self.sunk

    def hit(self, origin, ray) -> np.ndarray:
        """Origins and rays [..., 3] -> the t > 0 where origin + t ray enters, or infinity."""
        o, d = origin - [0, 0, self.height], ray
        if self.kind == "cube":
            return _first([_slab(o[..., i], d[..., i], self.radius) for i in range(3)])
        if self.kind == "sphere":
            return _first([_round(o, d, self.radius)])
        side = _round(o[..., :2], d[..., :2], self.radius)
        shaft = _first([side, _slab(o[..., 2], d[..., 2], self.half)])
        if self.kind == "cylinder":
            return shaft
        caps = [_first([_round(o - [0, 0, z], d, self.radius)]) for z in (-self.half, self.half)]
        return np.minimum(shaft, np.minimum(*caps))

    def normal(self, point) -> np.ndarray:
        """Points on the surface [..., 3] -> outward unit normals [..., 3]."""
        p = point - [0, 0, self.height]
        radial = p * [1, 1, 0]
        if self.kind == "cube":
            n = np.where(np.abs(p) == np.abs(p).max(-1, keepdims=True), p, 0)
        elif self.kind == "sphere":
            n = p
        elif self.kind == "capsule":
            n = p - [0, 0, 1] * p[..., 2:].clip(-self.half, self.half)
        else:
            on_lid = (p[..., 2] / self.half) ** 2 > _dot(radial, radial) / self.radius**2
            n = np.where(on_lid[..., None], p * [0, 0, 1], radial)
        return _unit(n)


def solid(shape: int, scale: int) -> Solid:
    """The object of a shape class at a scale class."""
    s = SHAPES3D.values[3][scale]
    return (
        Solid("cube", 0.3568 * s, 0.0, 0.013),
        Solid("cylinder", 0.381 * s, 0.382 * s, 0.0127),
        Solid("sphere", 0.431 * s, 0.0, 0.0105),
        Solid("capsule", 0.329 * s, 0.3316 * s, 0.0115),
    )[shape]


def cast(scale: int, shape: int, orientation: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factor classes -> material (int), v and spec (float64), each [192, 192]."""
    thing = solid(shape, scale)
    eye, forward, ray = _camera(orientation)

    # What a ray from inside the room meets first. The object's sunken rim still hides the floor.
    to_wall = (np.copysign(ROOM, ray[..., :2]) - eye[:2]) / ray[..., :2]  # [192, 192, x or y]
    facing = to_wall.argmin(-1)[..., None]
    to_thing = thing.hit(eye, ray)
    hidden = np.isfinite(to_thing) | (ray[..., 2] > 0)
    to_floor = np.where(hidden, np.inf, -eye[2] / ray[..., 2])
    distances = np.stack([to_floor, to_wall.min(-1), to_thing])
    material = distances.argmin(0)
    point = eye + distances.min(0)[..., None] * ray
    material[(material == WALL) & (point[..., 2] > WALL_HEIGHT)] = SKY

    v, spec = np.zeros((2, RESOLUTION, RESOLUTION))
    # Each material is lit where it is seen; below, arrays are [its pixels] or [its pixels, 3].
    on = material == FLOOR
    spot, _, _ = _spot_light(point[on], np.array([[0.0, 0.0, 1.0]]))
    shadow = np.isfinite(thing.hit(point[on], LIGHT - point[on]))
    v[on] = AMBIENT + spot * ~shadow

    on = material == WALL
    axis = facing[on]
    inwards = -np.sign(ray[on]) * (np.arange(3) == axis)
    # Rightwards along the wall, seen from inside: x on the wall at +y, -y on the wall at +x, ...
    x, y, z = point[on].T
    along = np.where(axis[:, 0] == 1, -inwards[:, 1] * x, inwards[:, 0] * y)
    v[on] = _lit(point[on], inwards, forward)[0] * _texture(along, z)

    on = material == OBJECT
    v[on], beam, incidence = _lit(point[on], thing.normal(point[on]), forward)
    spec[on] = GLOSS * beam * ((incidence + 0.073) / 0.071).clip(0, 1)
    return material, v, spec


def _camera(orientation: int):
    """Its place and direction [3], and the ray of every pixel [192, 192, 3]."""
    t = -np.deg2rad(SHAPES3D.values[5][orientation])
    eye = np.array([-DISTANCE * np.sin(t), -DISTANCE * np.cos(t), EYE])
    forward = np.array([np.sin(t), np.cos(t), 0])
    right = np.array([np.cos(t), -np.sin(t), 0])
    pixel = (np.arange(RESOLUTION) + 0.5) * 64 / RESOLUTION
    across = (pixel - CENTRE_X)[None, :, None] / FOCAL * right
    down = (pixel - CENTRE_Y)[:, None, None] / FOCAL * np.array([0, 0, 1])
    return eye, forward, forward + across - down


def _lit(point, normal, forward):
    """v under all lights, and the spot light's beam and n.l, [n], at points and normals [n, 3]."""
    spot, beam, incidence = _spot_light(point, normal)
    return AMBIENT + HEADLIGHT * np.maximum(0, -normal @ forward) + spot, beam, incidence


def _spot_light(point, normal):
    """What the spot light adds to v, its beam, and n.l, [n], at points and unit normals [n, 3]."""
    to_light = _unit(LIGHT - point)
    incidence = _dot(normal, to_light)
    beam = np.maximum(0, -to_light @ _unit(AIM - LIGHT)) ** FOCUS
    return SPOT * np.maximum(0, incidence) * beam, beam, incidence


def _texture(along, height):
    along = (along + BLOTCH_EVERY / 2) % BLOTCH_EVERY - BLOTCH_EVERY / 2
    dark = np.zeros(along.shape, bool)
    for (x, z), (rx, rz) in BLOTCHES:
        dark |= ((along - x) / rx) ** 2 + ((height - z) / rz) ** 2 < 1
    return TEXTURE * np.where(dark, BLOTCH, 1)


def _dot(a, b):
    return np.einsum("...i,...i->...", a, b)


def _unit(vectors):
    return vectors / np.sqrt(_dot(vectors, vectors))[..., None]


def _slab(o, d, half):
    """Between two planes at -half and half: the t where a ray enters, and where it leaves."""
    a, b = (-half - o) / d, (half - o) / d
    return np.minimum(a, b), np.maximum(a, b)


def _round(o, d, radius):
    """Inside a sphere (o, d [..., 3]) or an endless cylinder ([..., 2]): the t of both ends."""
    a, b, c = _dot(d, d), _dot(o, d), _dot(o, o) - radius**2
    inside = b * b - a * c
    root = np.sqrt(np.maximum(inside, 0))
    miss = np.where(inside > 0, 0, np.inf)
    return (-b - root) / a + miss, (-b + root) / a - miss


def _first(intervals):
    """The t > 0 where a ray is first inside all of the intervals at once, or infinity."""
    enter = np.max([i[0] for i in intervals], axis=0)
    leave = np.min([i[1] for i in intervals], axis=0)
    return np.where((enter < leave) & (enter > 0), enter, np.inf)
