"""The latent navigator: maps, image, readings, controls and the steps of the walk in one view.

Every control makes one move of a ``Walk``. After each move, ``_show`` brings everything in line
with the walk. The maps are drawn once; a step sends marks, small images and a few numbers.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from ipywidgets import Layout

from wdlib import plots
from wdlib.data import Images, Split, device_images
from wdlib.files import whole
from wdlib.metrics.judge import Judge
from wdlib.model import ModularModel
from wdlib.navigator import film, panels
from wdlib.navigator.controls import SIDE, ClickMap, Dial, value_labels
from wdlib.navigator.maps import PartitionMap
from wdlib.navigator.walk import Step, Walk, log_density
from wdlib.plots.figure import png
from wdlib.tasks import Table

STARTS = 500  # test rows of a table that a walk can start from
WIDGET = "application/vnd.jupyter.widget-view+json"


class Navigator(widgets.VBox):
    """Walk through the latent space of a model, from image to image.

    Start from any image of the task. Then press or drag on the map of a partition, go to an island
    by its name, move one dimension by a slider, or apply a relation. ``walk`` holds all steps.

    Args:
        model: a trained model with an adapted prior.
        split: a split of its task; the first ``points`` test images are shown on the maps.
        images: the images of its dataset.
        judge: reads the decoded images. Without a judge, only the prior reads.
        seed: seed of the random images.

    Raises ValueError for a split or a judge of another task.
    """

    _ipython_display_ = None  # that of ipywidgets 7 would show no image without a kernel

    def __init__(
        self,
        model: ModularModel,
        split: Split,
        images: Images,
        judge: Judge | None = None,
        *,
        points: int = 400,
        seed: int = 0,
    ):
        task = split.task
        if model.task.record != task.record:
            raise ValueError(f"the model is of {model.task.name}, but the split of {task.name}")
        if judge is not None and judge.sizes != task.sizes:
            raise ValueError(f"the judge reads {judge.sizes} values, {task.name} has {task.sizes}")
        self.task, self.split, self.images = task, split, images
        self.walk = Walk(model, judge)
        self._rng, self._gesture = np.random.default_rng(seed), None
        self._showing = False  # True while the view itself changes its controls

        some = split.test[:points]
        codes = model.encode(device_images(images, task.classes(some)))
        self._known = np.sort(log_density(model.prior, codes), axis=0)  # [points, n]
        self._make_maps(codes.cpu().numpy(), task.labels(some))
        self._make_moves(reach=float(codes.abs().max()))
        self._make_start()
        super().__init__(self._arranged())
        self.random.click()

    def figure(self) -> plots.Described:
        """The view as a still image: maps with the trail, and the decoded image."""
        return film.still(self.walk, self.maps)

    def film(self):
        """The walk as an animation with alt text, for a notebook."""
        from IPython.display import Image

        steps = self.walk.steps
        alt = f"an animation of {len(steps)} steps: {film.summary(steps, self.task)}"
        return Image(data=film.gif(steps, self.task), format="gif", alt=alt)

    def save(self, path: Path | str) -> None:
        """Write all steps of the walk as an animated GIF. Raises ValueError for another ending."""
        if Path(path).suffix != ".gif":
            raise ValueError(f"a film is saved as .gif, not as {Path(path).name}")
        with whole(Path(path)) as file:
            file.write(film.gif(self.walk.steps, self.task))

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and the still image for a page without a kernel."""
        data = {WIDGET: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}
        metadata = self.map_views[0]._repr_mimebundle_()[1]  # anywidget's, which Colab reads
        figure = self.figure()
        data |= {"image/png": png(figure), "text/plain": f"Figure: {figure.what}"}
        return data, metadata | {"image/png": {"alt": figure.alt}}

    def _make_maps(self, codes: np.ndarray, values: np.ndarray) -> None:
        """A map for each partition with its menu of islands, and what shows the walk."""
        prior, parts = self.walk.model.prior, enumerate(self.task.factors)
        self.maps = [PartitionMap(f, prior, i, codes[:, i], values[:, i]) for i, f in parts]
        self.map_views, self.islands = [], []
        for m in self.maps:
            image = panels.url(m.png())
            self.map_views.append(ClickMap(image, self._about(m), partial(self._pressed, m)))
            options = [(name, k) for k, name in enumerate(m.factor.value_names)]
            menu = widgets.Dropdown(
                options=options, description="at island", layout=Layout(width=f"{SIDE}px"),
                style={"description_width": "60px"},
            )  # fmt: skip
            menu.observe(partial(self._chosen, m), "value")
            self.islands.append(menu)
        texts = (widgets.HTML() for _ in range(5))
        self.image, self.readings, self.status, self.strip, self.link = texts

    def _make_moves(self, reach: float) -> None:
        """Buttons for the relations, and a slider for each dimension of a partition."""
        model, relate = self.walk.model, self.walk.relate
        self.relations = {r.name: self._button(r.name, relate, r) for r in model.relations}
        self.undo = self._button("undo", self.walk.undo)
        names = [(f"{i + 1}: {name}", i) for i, name in enumerate(self.task.factor_names)]
        self.partition = widgets.Dropdown(options=names, description="partition")
        self.partition.observe(lambda _: self._show(), "value")
        self.dimensions = [
            Dial(f"dimension {j + 1}", partial(self._turned, j), reach=reach)
            for j in range(model.config.dim)
        ]

    def _make_start(self) -> None:
        """A slider for each true factor that varies, and the buttons below them."""
        space, self.factors = self.task.space, {}
        rows = isinstance(self.task, Table)  # of which test images are enough to choose from
        starts = [np.sort(self.split.test[:STARTS])] if rows else self.task.admitted
        for name, values, admitted in zip(space.names, space.values, starts):
            if len(admitted) > 1:
                labels = value_labels(values)
                self.factors[name] = widgets.SelectionSlider(
                    options=[(labels[c], int(c)) for c in admitted], description=name,
                    style={"description_width": "90px"},
                )  # fmt: skip
                self.factors[name].observe(lambda _: self._showing or self._preview(), "value")
        self.preview = widgets.HTML()
        self.start = self._button("start here", self._begin)
        self.random = self._button("random image", self._anywhere)
        self.export = widgets.Button(description="make a file", layout=Layout(width="auto"))
        self.export.on_click(self._export)

    def _arranged(self) -> list[widgets.Widget]:
        """The rows of the view."""
        parts = zip(self.maps, self.map_views, self.islands)
        seen = [_column(m.title, view, menu) for m, view, menu in parts]
        seen.append(_column("decoded image", self.image, self.readings))
        buttons = _row(self.start, self.random)
        begin = _column("start from an image", *self.factors.values(), buttons)
        hand = _column("move one partition by hand", self.partition, *self.dimensions)
        return [
            _row(*seen),
            _row(_title("relations"), *self.relations.values(), self.undo),
            self.status,
            _row(begin, self.preview, hand),
            _row(_title("film of the walk"), self.export, self.link),
            self.strip,
        ]

    def _button(self, name: str, move: Callable, *arguments) -> widgets.Button:
        """A button that makes a move of the walk."""

        def press(_) -> None:
            move(*arguments)
            self._show()

        button = widgets.Button(description=name, layout=Layout(width="auto"))
        button.on_click(press)
        return button

    # What a control does.

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
        test = self.split.test[:STARTS] if isinstance(self.task, Table) else self.split.test
        (classes,) = self.task.classes(self._rng.choice(test, 1))
        self._showing = True
        for name, slider in self.factors.items():
            slider.value = int(classes[self.task.space.position(name)])
        self._showing = False
        self._preview()
        self._begin()

    def _export(self, _) -> None:
        self.link.value = panels.link(self.walk.steps, self.task)

    # What the view shows.

    def _show(self) -> None:
        """Bring everything in line with the walk."""
        steps, task = self.walk.steps, self.task
        here = steps[-1]
        self._showing = True
        try:
            self.image.value = panels.decoded(here, task)
            self.readings.value = panels.readings(here, task, self._further(here))
            self.status.value = panels.status(len(steps) - 1, here, task)
            self.strip.value = panels.strip(steps, task)
            self.link.value = ""
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
        return f"map of {m.title}, with the islands {', '.join(m.factor.value_names)}.{where}"

    def _preview(self) -> None:
        classes = self._classes()[None]
        words = film.words(self.task.values(classes)[0], self.task)
        image = film.image_png(self.images.draw(classes)[0])
        self.preview.value = panels.img(image, f"image to start from: {words}", 128) + words

    def _classes(self) -> np.ndarray:
        """The source classes [k] that the sliders of the true factors show."""
        chosen = {name: slider.value for name, slider in self.factors.items()}
        names, admitted = self.task.space.names, self.task.admitted
        return np.array([chosen.get(name, first) for name, (first, *_) in zip(names, admitted)])


def _title(text: str) -> widgets.HTML:
    return widgets.HTML(f"<b>{text}</b>")


def _row(*parts: widgets.Widget) -> widgets.HBox:
    return widgets.HBox(parts, layout=Layout(flex_flow="row wrap", grid_gap="4px 16px"))


def _column(title: str, *parts: widgets.Widget) -> widgets.VBox:
    return widgets.VBox([_title(title), *parts])
