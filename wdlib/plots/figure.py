"""Figures with alt text, and the colours, markers and sizes that all of them share.

Colours are safe for colour-blind readers, and colour is never the only sign: values also have a
marker and a name, images a title, lines a style.
"""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color Universal Design", without the yellow, which is lost on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Ten markers and seven colours distinguish 70 values.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
STYLES = ("-", "--", "-.", ":")
SMALL, MEDIUM = 9, 11  # font sizes in points


class Described(Figure):
    """A figure that carries its own alt text, and displays itself as the last line of a cell.

    ``what`` is the subject in words, from the arguments alone; ``details`` says what the data show.
    """

    def __init__(self, what: str, details: str = "", **options):
        super().__init__(**options)
        self.what, self.details = what, details

    @property
    def alt(self) -> str:
        """The alt text."""
        return f"{self.what}: {self.details}" if self.details else self.what

    def _ipython_display_(self) -> None:
        show(self)


def show(figure: Figure, alt: str = "", *, dpi: int = 80) -> None:
    """Display any matplotlib figure in a notebook together with its alt text.

    Figures from this package bring their own ``alt``. Screen readers find it in the metadata of the
    image; nbconvert writes it into the page. ``dpi`` is in pixels per inch.

    Raises ValueError for a figure without alt text.
    """
    from IPython.display import display

    what = alt or getattr(figure, "what", "")
    alt = alt or getattr(figure, "alt", "")
    if not alt.strip():
        raise ValueError("this figure has no alt text: pass one sentence that says what it shows")
    data = {"image/png": png(figure, dpi), "text/plain": f"Figure: {what}"}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})


def png(figure: Figure, dpi: int = 80) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def panels(
    count: int, what: str, *, width: float, height: float, columns: int | None = None, **sharing
) -> tuple[Described, list[Axes]]:
    """A figure with ``count`` panels in rows, each ``width`` by ``height`` inches.

    It is made without pyplot, which would keep every figure and show some of them twice.
    """
    columns = min(columns or count, count)
    rows = -(-count // columns)
    figure = Described(what, figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **sharing).flat
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, list(axes[:count])


def label(panel: Axes, title: str, x: str = "", y: str = "") -> None:
    """Write the title and the labels of the axes."""
    panel.set_title(title, fontsize=MEDIUM)
    panel.set_xlabel(x, fontsize=SMALL)
    panel.set_ylabel(y, fontsize=SMALL)
    panel.tick_params(labelsize=SMALL)


def array(values) -> np.ndarray:
    """A tensor on any device, or anything that numpy accepts, as an array."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
