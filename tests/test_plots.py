"""Figures by known answers: geometry whose result is known, what the panels show, and alt texts."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.text import Text

from wdlib import plots
from wdlib.data import load
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


def test_pixels_lie_between_0_and_1():
    assert plots.pixels(GREY)[1, 10, 20] == 1 and plots.pixels(GREY).sum() == 1
    colour = np.zeros((2, 64, 64, 3), np.uint8)
    colour[0, 10, 20] = (255, 0, 51)
    assert plots.pixels(colour)[0, 10, 20] == pytest.approx((1, 0, 0.2))
    decoded = torch.zeros(2, 3, 64, 64)
    decoded[0, :, 10, 20] = torch.tensor([1.5, 0.0, 0.2])
    assert plots.pixels(decoded)[0, 10, 20] == pytest.approx((1, 0, 0.2))
    with pytest.raises(ValueError, match=r"images have shape \(2, 2, 64, 64\)"):
        plots.pixels(torch.zeros(2, 2, 64, 64))


def shown(panel) -> np.ndarray:
    return np.asarray(panel.images[0].get_array())


def test_an_image_grid_shows_flipped_images():
    shown, copied = (plots.image_grid(images) for images in (GREY[::-1], GREY[::-1].copy()))
    for one, other in zip(shown.axes, copied.axes, strict=True):
        np.testing.assert_array_equal(one.images[0].get_array(), other.images[0].get_array())


def test_an_image_grid_has_the_images_in_order_under_their_titles():
    figure = plots.image_grid(GREY, ["a", "b", "c"], columns=2)
    panels = figure.axes
    assert len(panels) == 4 and [p.get_title() for p in panels] == ["a", "b", "c", ""]
    assert [int(shown(p).sum()) for p in panels[:3]] == [0, 1, 0]
    assert panels[1].images[0].get_clim() == (0, 1)  # an all-black image is black, not grey
    assert not panels[3].axison and not panels[3].images
    with pytest.raises(ValueError, match="2 titles for 3 images"):
        plots.image_grid(GREY, ["a", "b"])


def test_a_missing_label_is_a_question_mark():
    assert plots.words([[1, 4], [-1, 0]], V2) == ["ellipse\nmiddle centre", "?\ntop left"]


def test_images_may_be_flipped():
    """A view with negative strides, which torch does not have."""
    assert shown(plots.image_grid(GREY[:, ::-1]).axes[1])[53, 20] == 1


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
        found = [p for p in panel.patches if isinstance(p, Ellipse)]
        assert tuple(t.get_text().replace("\n", " ") for t in panel.texts) == factor.value_names
        assert len(found) == factor.size
        for island, name, dots in zip(found, panel.texts, panel.collections):
            assert (island.width, island.height) == pytest.approx((2, 2))  # 4 x sigma 0.5
            assert name.xy == pytest.approx(np.add(island.center, (0, 1)))  # on its top
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


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook was given to display, with its metadata."""
    seen = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw, metadata: seen.append((data, metadata))
    )
    return seen


def test_show_gives_an_image_its_alt_text(displayed):
    plots.show(Figure(), "two dark images on top of each other")
    ((data, metadata),) = displayed
    assert data["image/png"].startswith(b"\x89PNG")
    assert data["text/plain"] == "Figure: two dark images on top of each other"
    assert metadata == {"image/png": {"alt": "two dark images on top of each other"}}
    with pytest.raises(ValueError, match="this figure has no alt text"):
        plots.show(Figure(), " ")


def test_a_figure_displays_itself_with_its_own_alt_text(displayed):
    figure = plots.image_grid(GREY, ["a", "b\nc", "d"], columns=2, what="dark images")
    assert DisplayFormatter().format(figure) == ({}, {}), "it was displayed twice"
    ((data, metadata),) = displayed
    assert metadata["image/png"]["alt"] == "dark images in 2 rows of 2: a; b, c; d"
    assert data["text/plain"] == "Figure: dark images in 2 rows of 2"


def overlaps(boxes) -> int:
    low, high = boxes[:, :2], boxes[:, 2:]
    room = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    return int(np.triu((room > 0).all(2), 1).sum())


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
    assert [t.get_position() for t in figure.axes[0].texts] == [(0, 2)] * 3  # just above its island


# --- rows of images ---


def test_rows_of_images_have_their_labels():
    figure = plots.image_rows({"dark": GREY[[0, 2]], "light": GREY[[1, 1]]})
    panels = np.array(figure.axes).reshape(2, 2)
    assert [p.get_ylabel() for p in panels.flat] == ["dark", "", "light", ""]
    assert [int(shown(p).sum()) for p in panels.flat] == [0, 0, 1, 1]
    assert figure.alt == "2 rows of 2 images: dark; light"


def test_a_sweep_changes_one_factor_in_each_row():
    images, start = load("dsprites"), np.array([0, 2, 5, 0, 16, 16])
    figure = plots.sweep(images, start, columns=3)
    panels = np.array(figure.axes).reshape(5, 3)
    names = [p.get_ylabel() for p in panels[:, 0]]
    assert names == ["shape", "scale", "orientation", "posX", "posY"]
    assert [p.get_title() for p in panels[0]] == ["square", "ellipse", "heart"]
    assert [p.get_title() for p in panels[3]] == ["class 0", "class 15", "class 31"]
    moved = start.copy()
    moved[4] = 31
    assert (shown(panels[3, 2]) == images.draw([moved])[0]).all()


class Reader:
    """A judge that reads the shape off the upper left pixel, and always the position 4."""

    def read(self, images):
        return torch.stack([images[:, 0, 0].long(), torch.full((len(images),), 4)], dim=1)


def test_judged_strips_tick_what_is_wanted():
    before = torch.zeros(2, 64, 64, dtype=torch.uint8)
    after = before.clone()
    after[0, 0, 0] = 1
    wanted = {"before": [[0, 4], [0, 4]], "next-shape": [[1, 4], [1, 4]]}
    figure = plots.judged_strips(Reader(), before, {"next-shape": after}, wanted, V2, ["x", "y"])
    assert [p.get_title() for p in figure.axes] == ["before", "next-shape", "", ""]
    assert [p.get_ylabel() for p in figure.axes] == ["x", "", "y", ""]
    assert [shown(p).sum() for p in figure.axes] == [0, 1, 0, 0]
    below = [p.get_xlabel() for p in figure.axes]
    ticked = ["✓ square\nmiddle centre", "✓ ellipse\nmiddle centre"]
    assert below == [*ticked, ticked[0], "✗ square\nmiddle centre"]
    assert figure.what == "2 rows of images, before and after next-shape"
    assert figure.details.endswith("wanted values on 2 of 2 before, 1 of 2 next-shape")


# --- codes on a plane ---


def test_clouds_show_points_and_components():
    points, values = np.array([[0.0, 0], [2, 0], [9, 9]]), np.array([0, 0, 1])
    pairs = [(np.zeros(2), np.diag([1.0, 4.0])), (np.full(2, 9.0), np.eye(2))]
    figure = plots.clouds({"A": points, "B": points + 1}, values, ["x", "y"],
                          {"A": pairs, "B": None}, large=[True, False, False])  # fmt: skip
    first, second = figure.axes
    assert [p.get_title() for p in (first, second)] == ["A", "B"]
    assert [(e.width, e.height) for e in first.patches] == [(8, 4), (4, 4)]  # turned by 90 degrees
    assert [len(c.get_offsets()) for c in first.collections] == [2, 1, 1, 0]
    assert not second.patches and second.texts[0].xy == pytest.approx((2, 1))
    assert figure.alt == "3 codes in 2 clouds, x, y: A; B"


def test_a_prior_of_one_partition_gives_clouds_their_islands():
    prior = AdaptivePrior((2,), 2)
    prior.mean[0, 1] = 5.0
    figure = plots.clouds(np.zeros((2, 2)), [0, 1], ["x", "y"], prior)
    assert [e.center.tolist() for e in figure.axes[0].patches] == [[0, 0], [5, 5]]


def test_a_net_has_a_line_for_every_third_row_and_column():
    line = torch.linspace(-1, 1, 32)
    square = torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=2)
    figure = plots.nets({"near": square, "far": square + 9})
    assert figure.alt == "codes of all places as a net: near; far"
    assert len(figure.axes[0].lines) == 11 + 11 + 1


def test_moves_are_arrows_from_before_to_after():
    before, after = np.zeros((4, 2, 2)), np.zeros((4, 2, 2))
    after[:, 1, 0] = 3
    means = [np.eye(2).repeat([2, 1], axis=0), np.arange(18.0).reshape(9, 2)]
    figure = plots.moves(before, after, means, V2, "right")
    arrows = [p.collections[2] for p in figure.axes]
    assert [a.U.tolist() for a in arrows] == [[0] * 4, [3] * 4]
    assert figure.alt == '4 codes before and after the relation "right"'


def test_a_map_of_bins_has_a_dot_for_every_place_that_takes_part():
    figure = plots.bin_map(V2, "position")
    crosses, *cells = figure.axes[0].collections
    assert len(crosses.get_offsets()) == 32 * 32
    assert [len(c.get_offsets()) for c in cells] == [25] * 9
    assert cells[2].get_offsets().min(0).tolist() == [27, 0]  # 2: top right
    assert "dots make 9 values, crosses take no part" in figure.alt


# --- numbers ---


def test_a_line_is_the_mean_and_a_band_the_range_of_the_seeds():
    lines = {"array": [[1, 3], [5, 5]], "mapping": {20: [0.0, 1.0], 10: 4.0}}
    figure = plots.curves(lines, x=[10, 20], xlabel="labels", ylabel="accuracy", log="x",
                          levels={"chance": 0.5})  # fmt: skip
    panel = figure.axes[0]
    assert panel.lines[0].get_xydata().tolist() == [[10, 2], [20, 5]]
    assert panel.lines[1].get_xydata().tolist() == [[10, 4], [20, 0.5]]
    band = panel.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (1, 5)
    assert panel.get_xscale() == "log"
    assert len({line.get_linestyle() for line in panel.lines[:2]}) == 2
    assert figure.alt == (
        "accuracy over labels: array goes from 2 to 5; mapping goes from 4 to 0.5; "
        "a line marks chance at 0.5"
    )


def test_panels_of_curves_share_their_names_and_may_have_an_upright():
    groups = {"A": {"x": [1, 2]}, "B": {"y": [3, 1], "x": [1, 5, 2]}}
    figure = plots.curve_panels(groups, xlabel="step", ylabel="loss", at={"B": ("end", 1)})
    first, second = figure.axes
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["x", "y"]
    assert first.lines[0].get_color() == second.lines[1].get_color()
    assert second.lines[2].get_xdata() == [1, 1]
    assert "B x goes from 1 to 2" in figure.alt


def test_heat_maps_show_every_number():
    figure = plots.heat_maps({"raw": np.array([[3.0, 0], [1, 2]])}, shares=True)
    assert [t.get_text() for t in figure.axes[0].texts] == ["0.75", "0.00", "0.25", "1.00"]
    assert "factor 0 most in code 0 (0.75), factor 1 most in code 1 (1.00)" in figure.alt


ROWS = [
    {"dataset": d, "method": m, "seed": s, "value": v}
    for d, m, s, v in [("v2", "a", 0, 0.5), ("v2", "a", 1, 0.7), ("v2", "b", 0, 0.4),
                       ("v4", "b", 0, 0.9), ("v4", "c", 0, 0.8)]
]  # fmt: skip


@pytest.mark.parametrize("rows", [ROWS, pd.DataFrame(ROWS)], ids=["dicts", "frame"])
def test_rows_of_results_are_nested_by_their_columns(rows):
    wanted = {"v2": {"a": [0.5, 0.7], "b": [0.4]}, "v4": {"b": [0.9], "c": [0.8]}}
    assert plots.nested(rows, "dataset", "method") == wanted


def test_dots_are_sorted_by_the_first_mean_and_say_their_range():
    figure = plots.dots(plots.nested(ROWS, "dataset", "method"), xlabel="accuracy",
                        levels={"published": 0.6})  # fmt: skip
    panel = figure.axes[0]
    assert [t.get_text() for t in panel.get_yticklabels()] == ["b", "a", "c"]
    seeds, means, *others = [c.get_offsets().round(1).tolist() for c in panel.collections]
    assert seeds == [[0.4, -0.2], [0.5, 0.8], [0.7, 0.8]]
    assert [x for x, _ in means] == [0.6]
    assert [[x for x, _ in marks] for marks in others] == [[0.9, 0.8], []]
    assert figure.what == "accuracy, 3 rows of marks"
    assert figure.details == (
        "v2: b 0.400, a 0.500 to 0.700; v4: b 0.900, c 0.800; a line marks published"
    )
