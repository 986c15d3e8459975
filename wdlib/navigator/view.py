"""The latent navigator: maps, picture, readings, controls and film strip in one view.

Whatever is pressed becomes one move of a ``Walk``, and after each move everything shows where the
walk is. The maps are drawn once; a step sends marks, small pictures and a few numbers.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from ipywidgets import Layout
from matplotlib.figure import Figure

from wdlib.data import Images, Split, device_images
from wdlib.files import whole
from wdlib.metrics.judge import Judge
from wdlib.model import ModularModel
from wdlib.navigator import clicks, film, panels, still
from wdlib.navigator.dial import Dial
from wdlib.navigator.maps import PartitionMap
from wdlib.navigator.walk import Step, Walk, log_density


class Navigator(widgets.VBox):
    """Walk through the latent space of a model, from picture to picture.

    Start from any picture of the task. Move by pressing or dragging on the map of a partition, by
    going to an island by its name, by a slider for each dimension, or by a relation. ``walk`` holds
    all steps, ``save`` keeps them as a film, ``figure`` shows the view where no kernel runs.

    Args:
        model: trained, its prior adapted.
        split: of the model's task; the first test images are the points on the maps.
        images: of the task's dataset.
        judge: an independent reader of the decoded pictures; without one the prior's reading is
            all there is.
        points: number of test images on the maps.
        seed: of the random pictures.
        clickable: whether maps can be pressed, which needs anywidget; by default where it is
            installed. Otherwise two sliders below a map move its point.

    Raises ValueError for a split or a judge of another task, and where maps are to be clickable
    but anywidget is missing.
    """

    def __init__(
        self,
        model: ModularModel,
        split: Split,
        images: Images,
        judge: Judge | None = None,
        *,
        points: int = 400,
        seed: int = 0,
        clickable: bool | None = None,
    ):
        task = model.task
        if split.task != task:
            raise ValueError(f"the model is of {task.name}, but the split of {split.task.name}")
        if judge is not None and judge.sizes != task.sizes:
            raise ValueError(f"the judge reads {judge.sizes} values, {task.name} has {task.sizes}")
        if clickable and clicks.ClickMap is None:
            raise ValueError("a map that can be pressed needs anywidget: pip install anywidget")
        pressable = clicks.ClickMap is not None and clickable is not False

        self.task, self.split, self.images = task, split, images
        self.walk = Walk(model, judge)
        self._rng, self._gesture = np.random.default_rng(seed), None
        self._showing = False  # then what changes is what we show, and nobody's wish
        some = split.test[:points]
        codes = model.encode(device_images(images, task.classes(some)))
        values = task.labels(some)
        self._known = np.sort(log_density(model.prior, codes), axis=0)  # [points, n]
        codes = codes.cpu().numpy()
        self.maps = tuple(
            PartitionMap(factor, model.prior, i, codes[:, i], values[:, i])
            for i, factor in enumerate(task.factors)
        )

        kind = clicks.ClickMap if pressable else clicks.StillMap
        self.map_views = tuple(
            kind(panels.url(m.png()), self._about(m), partial(self._pressed, m)) for m in self.maps
        )
        self.islands = tuple(self._island_menu(m) for m in self.maps)
        self.picture, self.readings = widgets.HTML(), widgets.HTML()
        self.status, self.strip = widgets.HTML(), widgets.HTML()
        self.relations = {
            r.name: _button(r.name, self._act(self.walk.relate, r)) for r in model.relations
        }
        self.undo = _button("undo", self._act(self.walk.undo))
        names = [(f"{i + 1}: {name}", i) for i, name in enumerate(task.factor_names)]
        self.partition = widgets.Dropdown(options=names, description="partition")
        self.partition.observe(lambda _: self._show(), "value")
        reach = float(np.abs(codes).max())
        self.dimensions = tuple(
            Dial(f"dimension {j + 1}", partial(self._turned, j), reach=reach)
            for j in range(codes.shape[2])
        )
        for dial in self.dimensions:
            dial.style.description_width = "90px"
        self.factors = {
            name: self._factor(name, column)
            for column, name in enumerate(task.space.names)
            if len(task.admitted[column]) > 1
        }
        self.preview = widgets.HTML()
        self.start = _button("start here", self._act(self._begin))
        self.random = _button("random picture", self._act(self._anywhere))
        self.export = _button("make files", lambda _: self._export())
        self.links = widgets.HTML()
        super().__init__(self._arranged())
        self._act(self._anywhere)()

    def figure(self) -> Figure:
        """The view as a still picture: maps with the trail, decoded picture, film."""
        return still.figure(self.walk, self.maps)

    def save(self, path: Path | str) -> None:
        """Write the film of the walk, all its steps: .gif (moving) or .png (in rows).

        Raises ValueError for a name that ends otherwise.
        """
        path, makers = Path(path), {".gif": film.gif, ".png": film.strip_png}
        if path.suffix not in makers:
            raise ValueError(f"a film is saved as .gif or .png, not as {path.name}")
        made = makers[path.suffix](self.walk.steps, self.task)
        with whole(path) as file:
            file.write(made)

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and the still picture for a page without a kernel."""
        bundle = super()._repr_mimebundle_(**kwargs)
        buffer, alt = io.BytesIO(), still.alt(self.walk)
        self.figure().savefig(buffer, format="png", dpi=80)
        bundle |= {"image/png": buffer.getvalue(), "text/plain": f"Figure: {alt}"}
        return bundle, {"image/png": {"alt": alt}}

    # What a control does.

    def _act(self, move: Callable, *arguments) -> Callable:
        """A move of the walk as what a button calls."""

        def act(_button=None) -> None:
            move(*arguments)
            self._show()

        return act

    def _pressed(self, m: PartitionMap, x: float, y: float, gesture: int) -> None:
        merge, self._gesture = self._gesture == (m, gesture), (m, gesture)
        code = m.lift(m.from_fraction((x, y)))
        self.walk.put(m.partition, code, f"{m.factor.name} map", merge=merge)
        self._show()

    def _chosen(self, m: PartitionMap, change) -> None:
        if not self._showing:
            self.walk.put_value(m.partition, change.new)
            self._show()

    def _turned(self, j: int, value: float) -> None:
        i = self.partition.value
        code = self.walk.here.code[i].clone()
        code[j] = value
        self.walk.put(i, code, f"{self.task.factor_names[i]} dim {j + 1}", merge=True)
        self._show()

    def _begin(self) -> None:
        self.walk.start(self.images.draw(self._classes()[None])[0])

    def _anywhere(self) -> None:
        (classes,) = self.task.classes(self._rng.choice(self.split.test, 1))
        self._showing = True
        for name, slider in self.factors.items():
            slider.value = int(classes[self.task.space.position(name)])
        self._showing = False
        self._preview()
        self._begin()

    def _export(self) -> None:
        self.links.value = panels.links(self.walk.steps, self.task)

    # What is shown.

    def _show(self) -> None:
        """Bring everything in line with the walk."""
        steps, task = self.walk.steps, self.task
        here = steps[-1]
        self._showing = True
        try:
            self.picture.value = panels.decoded(here, task)
            self.readings.value = panels.readings(here, task, self._further(here))
            self.status.value = panels.status(len(steps) - 1, here, task)
            self.strip.value = panels.strip(steps, task)
            self.links.value = ""
            for m, view, menu in zip(self.maps, self.map_views, self.islands):
                trail = m.fraction(m.place(self.walk.trail(m.partition)))
                menu.value = int(here.prior[m.partition].argmax())
                view.show(trail, self._about(m, menu.label))
            for dial, value in zip(self.dimensions, here.code[self.partition.value].tolist()):
                dial.show(value)
        finally:
            self._showing = False

    def _further(self, step: Step) -> list[float]:
        """For each partition, the share of the known test images that lie further out."""
        return [float((k < d).mean()) for k, d in zip(self._known.T, step.density)]

    def _about(self, m: PartitionMap, at: str = "") -> str:
        where = f" The point is at {at}." if at else ""
        islands = ", ".join(m.factor.value_names)
        return f"map of partition {m.partition + 1}, {m.factor.name}: islands {islands}.{where}"

    def _preview(self) -> None:
        classes = self._classes()[None]
        words = film.words(self.task.values(classes)[0], self.task)
        image = film.picture_png(self.images.draw(classes)[0])
        self.preview.value = panels.picture(image, f"picture to start from: {words}", 128) + words

    def _classes(self) -> np.ndarray:
        """Source classes [k] as the sliders of the true factors stand."""
        task = self.task
        return np.array(
            [
                self.factors[name].value if name in self.factors else admitted[0]
                for name, admitted in zip(task.space.names, task.admitted)
            ]
        )

    # The controls, and their places.

    def _island_menu(self, m: PartitionMap) -> widgets.Dropdown:
        options = [(name, k) for k, name in enumerate(m.factor.value_names)]
        menu = widgets.Dropdown(options=options, description="at island")
        menu.layout.width = f"{clicks.SIDE}px"
        menu.style.description_width = "60px"
        menu.observe(partial(self._chosen, m), "value")
        return menu

    def _factor(self, name: str, column: int) -> widgets.SelectionSlider:
        physical = self.task.space.values[column]
        options = [
            (v if isinstance(v := physical[c], str) else f"{v:.2f}", int(c))
            for c in self.task.admitted[column]
        ]
        slider = widgets.SelectionSlider(options=options, description=name)
        slider.style.description_width = "90px"
        slider.observe(lambda _: self._showing or self._preview(), "value")
        return slider

    def _arranged(self) -> list[widgets.Widget]:
        seen = [
            _column(f"partition {m.partition + 1}: {m.factor.name}", view, menu)
            for m, view, menu in zip(self.maps, self.map_views, self.islands)
        ]
        seen.append(_column("decoded picture", self.picture, self.readings))
        relations = [_title("relations"), *self.relations.values(), self.undo]
        begin = _column(
            "start from a picture", *self.factors.values(), _row(self.start, self.random)
        )
        hand = _column("move one partition by hand", self.partition, *self.dimensions)
        keep = _row(_title("film of the walk"), self.export, self.links)
        return [
            _row(*seen),
            _row(*relations),
            self.status,
            _row(begin, self.preview, hand),
            keep,
            self.strip,
        ]


def _button(name: str, pressed: Callable) -> widgets.Button:
    button = widgets.Button(description=name, layout=Layout(width="auto"))
    button.on_click(pressed)
    return button


def _title(text: str) -> widgets.HTML:
    return widgets.HTML(f"<b>{text}</b>")


def _row(*parts: widgets.Widget) -> widgets.HBox:
    return widgets.HBox(parts, layout=Layout(flex_flow="row wrap", grid_gap="4px 16px"))


def _column(title: str, *parts: widgets.Widget) -> widgets.VBox:
    return widgets.VBox([_title(title), *parts])
