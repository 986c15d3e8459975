"""Figures by known answers: geometry whose result is known, and what stands on the panels."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse
from matplotlib.text import Text

from wdlib import names, plots
from wdlib.model import AdaptivePrior
from wdlib.tasks import task

V2 = task("dSprites.v2")


def luminance(colour: str) -> float:
    """Relative luminance of the web's accessibility guidelines (WCAG 2, "relative luminance")."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_colour_and_marker_together_tell_every_value_apart():
    assert len(set(plots.PALETTE)) == 7 and len(set(plots.MARKERS)) == 10
    pairs = {(plots.PALETTE[k % 7], plots.MARKERS[k % 10]) for k in range(70)}
    assert len(pairs) == 70


def test_every_colour_stands_out_from_white():
    contrast = [1.05 / (luminance(colour) + 0.05) for colour in plots.PALETTE]
    assert min(contrast) > 2  # the yellow that was left out has 1.3


@pytest.mark.parametrize("angle", [0, 30, 120])
def test_the_ellipse_of_a_known_covariance(angle):
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = np.array([[c, -s], [s, c]])
    width, height, found = plots.ellipse(turn @ np.diag([9.0, 4.0]) @ turn.T, sigmas=2)
    assert (width, height) == pytest.approx((12, 8))  # 2 x 2 sigma, sigma 3 and 2
    assert found == pytest.approx(angle, abs=1e-6)


def test_collinear_points_lie_on_the_first_axis():
    direction = np.array([2.0, -1, 2, 0, 0, 0, 0, 0]) / 3
    places = np.array([-3.0, -1, 0, 1, 3])
    origin, axes = plots.plane(5 + places[:, None] * direction)
    assert origin == pytest.approx(np.full(8, 5.0))
    seen = (places[:, None] * direction) @ axes
    assert seen[:, 0] == pytest.approx(places)  # the sign: the largest entry is positive
    assert seen[:, 1] == pytest.approx(np.zeros(5), abs=1e-12)
    assert axes.T @ axes == pytest.approx(np.eye(2))


def test_three_points_are_seen_without_loss():
    points = np.random.default_rng(0).normal(size=(3, 8))
    origin, axes = plots.plane(points)
    seen = (points - origin) @ axes
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(seen[a] - seen[b]) == pytest.approx(
            np.linalg.norm(points[a] - points[b])
        )


def test_points_that_coincide_on_the_principal_plane_are_shown_apart():
    """Two pairs differ along the third axis only, the one of least spread."""
    points = np.array([[3.0, 0, 1], [3, 0, -1], [-3, 2, 1], [-3, -2, 1], [-3, 2, -1]])
    principal = points[:, :2]
    assert np.linalg.norm(principal[0] - principal[1]) == 0
    origin, axes = plots.plane(points)
    seen = (points - origin) @ axes
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(5, 1)]
    assert apart.min() > 0.5
    assert axes.T @ axes == pytest.approx(np.eye(2))


def test_a_partition_of_one_dimension_has_a_flat_map():
    _, axes = plots.plane(np.array([[1.0], [2], [4], [8], [16]]))
    assert axes.tolist() == [[1, 0]]


GREY = np.zeros((3, 64, 64), np.uint8)
GREY[1, 10, 20] = 1


def test_pictures_are_pixels_between_0_and_1():
    assert plots.pictures(GREY)[1, 10, 20] == 1 and plots.pictures(GREY).sum() == 1
    colour = np.zeros((2, 64, 64, 3), np.uint8)
    colour[0, 10, 20] = (255, 0, 51)
    assert plots.pictures(colour)[0, 10, 20] == pytest.approx((1, 0, 0.2))
    decoded = torch.zeros(2, 3, 64, 64)
    decoded[0, :, 10, 20] = torch.tensor([1.5, 0.0, 0.2])
    assert plots.pictures(decoded)[0, 10, 20] == pytest.approx((1, 0, 0.2))
    with pytest.raises(ValueError, match=r"float images must be .* got \(2, 2, 64, 64\)"):
        plots.pictures(torch.zeros(2, 2, 64, 64))


def shown(panel) -> np.ndarray:
    return np.asarray(panel.images[0].get_array())


def test_an_image_grid_has_the_images_in_order_under_their_titles():
    figure = plots.image_grid(GREY, ["a", "b", "c"], columns=2)
    panels = figure.axes
    assert len(panels) == 4 and [p.get_title() for p in panels] == ["a", "b", "c", ""]
    assert [int(shown(p).sum()) for p in panels[:3]] == [0, 1, 0]
    assert panels[1].images[0].get_clim() == (0, 1)  # an all-black image is black, not grey
    assert not panels[3].axison and not panels[3].images
    with pytest.raises(ValueError, match="2 titles for 3 images"):
        plots.image_grid(GREY, ["a", "b"])


def codes_and_prior():
    """Codes at the means of a prior whose covariances are known: 0.25 I around 10 times e_k."""
    prior = AdaptivePrior(V2.sizes, dim=8)
    for k in range(9):
        prior.mean[:, k, k % 8] = 10.0 + k
    prior.scale_tril.copy_(0.5 * torch.eye(8))
    values = torch.tensor([[k % 3, k] for k in range(9)])
    return prior.mean[torch.arange(2), values], values, prior


def test_maps_have_a_panel_a_partition_and_a_named_island_a_component():
    codes, values, prior = codes_and_prior()
    figure = plots.partition_maps(codes, values, prior, V2)
    assert [p.get_title() for p in figure.axes] == ["partition 1: shape", "partition 2: position"]
    for panel, factor in zip(figure.axes, V2.factors):
        islands = [p for p in panel.patches if isinstance(p, Ellipse)]
        assert tuple(t.get_text() for t in panel.texts) == factor.value_names
        assert len(islands) == factor.size
        for island, name, dots in zip(islands, panel.texts, panel.collections):
            assert (island.width, island.height) == pytest.approx((2, 2))  # 4 x sigma 0.5
            assert name.xy == pytest.approx(island.center)
            assert dots.get_offsets()[0].tolist() == pytest.approx(island.center)  # codes: means


def test_maps_before_the_prior_name_the_means_of_the_points():
    codes, values, _ = codes_and_prior()
    seen = values[:, 1] != 4  # a value that no image here has gets no name
    figure = plots.partition_maps(codes[seen], values[seen], None, V2)
    panel = figure.axes[1]
    names = [t.get_text() for t in panel.texts]
    assert names == [name for name in V2.factors[1].value_names if name != "middle centre"]
    assert not panel.patches
    for name, dots in zip(panel.texts, panel.collections):
        assert np.asarray(dots.get_offsets()).mean(0) == pytest.approx(name.xy)


def test_maps_refuse_codes_of_another_task():
    codes, values, prior = codes_and_prior()
    with pytest.raises(ValueError, match="do not fit the 3 partitions of dSprites.v3"):
        plots.partition_maps(codes, values, prior, task("dSprites.v3"))


def test_strips_have_a_row_an_image_and_a_column_a_relation():
    after = {"left": GREY[[1, 1, 1]], "up": GREY[[0, 0, 1]]}
    reads = {"before": ["h", "i", "j"], "left": ["k", "l", "m"], "up": ["n", "o", "p"]}
    figure = plots.relation_strips(GREY, after, reads=reads, rows=["x", "y", "z"])
    panels = np.array(figure.axes).reshape(3, 3)
    assert [p.get_title() for p in panels[0]] == ["before", "left", "up"]
    assert [p.get_ylabel() for p in panels[:, 0]] == ["x", "y", "z"]
    assert [[p.get_xlabel() for p in row] for row in panels] == [list("hkn"), list("ilo"),
                                                                 list("jmp")]  # fmt: skip
    assert [[int(shown(p).sum()) for p in row] for row in panels] == [[0, 1, 0], [1, 1, 0],
                                                                      [0, 1, 1]]  # fmt: skip
    with pytest.raises(ValueError, match="3 images before, but 2 after left"):
        plots.relation_strips(GREY, {"left": GREY[:2]})


def test_history_has_a_panel_a_loss_and_a_band_a_phase():
    records = [
        {"step": 50, "phase": "warm-up", "reconstruction": 3.0},
        {"step": 100, "phase": "warm-up", "reconstruction": 2.0},
        {"step": 150, "phase": "full", "reconstruction": 1.0, "relational": 0.5},
    ]
    figure = plots.history(records)
    assert [p.get_title() for p in figure.axes] == ["reconstruction", "relational"]
    first, second = figure.axes
    assert first.lines[0].get_xydata().tolist() == [[50, 3], [100, 2], [150, 1]]
    assert second.lines[0].get_xydata().tolist() == [[150, 0.5]]
    assert [t.get_text() for t in first.texts] == ["warm-up", "full"]
    assert [t.xy[0] for t in first.texts] == [50, 125]  # the middles of 0..100 and 100..150
    with pytest.raises(ValueError, match="history is empty"):
        plots.history([])


def test_show_gives_the_picture_its_alt_text(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw, metadata: seen.update(data, meta=metadata)
    )
    plots.show(plots.image_grid(GREY), "three dark images")
    assert seen["image/png"].startswith(b"\x89PNG")
    assert seen["text/plain"] == "Figure: three dark images"
    assert seen["meta"] == {"image/png": {"alt": "three dark images"}}
    with pytest.raises(ValueError, match="needs alt text"):
        plots.show(plots.image_grid(GREY), " ")


def overlaps(boxes) -> int:
    low, high = boxes[:, :2], boxes[:, 2:]
    room = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    return int(np.triu((room > 0).all(2), 1).sum())


def test_boxes_that_overlap_are_moved_apart_and_others_stay():
    frame = np.array([0, 0, 200, 200])
    boxes = np.array([[10, 10, 50, 20], [12, 14, 52, 24], [100, 100, 140, 110.0]])
    moved = boxes + np.tile(names.apart(boxes, frame), 2)
    assert overlaps(boxes) == 1 and overlaps(moved) == 0
    assert (moved[:2, [0, 2]] == boxes[:2, [0, 2]]).all()  # height is the shorter way
    assert (moved[2] == boxes[2]).all()


@pytest.mark.parametrize("seed", range(5))
def test_many_boxes_in_one_place_are_moved_apart_within_the_frame(seed):
    low = 100 + np.random.default_rng(seed).normal(size=(12, 2))
    boxes, frame = np.hstack([low, low + (40, 10)]), np.array([0, 0, 250, 250])
    moved = boxes + np.tile(names.apart(boxes, frame), 2)
    assert overlaps(moved) == 0
    assert (moved[:, :2] >= -0.5).all() and (moved[:, 2:] <= 250.5).all()


def test_names_of_a_map_do_not_lie_on_one_another():
    """All means in one place: nine names at one point, before they are spread."""
    prior = AdaptivePrior(V2.sizes, 8)
    values = np.stack(np.unravel_index(np.arange(27), V2.sizes), axis=1)
    figure = plots.partition_maps(np.zeros((27, 2, 8)), values, prior, V2)
    figure.draw_without_rendering()
    for panel in figure.axes:
        boxes = np.array([Text.get_window_extent(t).extents for t in panel.texts])
        assert len(boxes) in (3, 9) and overlaps(boxes) == 0


def test_a_name_with_room_around_it_stays_at_its_place():
    prior = AdaptivePrior(V2.sizes, 8)
    prior.mean[0, :3, :2] = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    values = np.stack(np.unravel_index(np.arange(27), V2.sizes), axis=1)
    figure = plots.partition_maps(np.zeros((27, 2, 8)), values, prior, V2)
    assert [t.get_position() for t in figure.axes[0].texts] == [(0, 0)] * 3
