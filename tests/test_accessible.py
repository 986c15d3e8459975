"""Notebooks for readers who cannot see images, or cannot tell red from green.

One H1, the order of headings and alt text in markdown: see test_notebooks.py.
"""

import ast
import re

import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from wdlib import plots
from wdlib.course.notebooks import ROOT, notebooks

# Colour maps whose lightness only rises, so that they can be read without colour.
MAPS = {"gray", "Greys", "Blues", "viridis", "cividis", "magma"}
GREYS = r"k|w|black|white|none|grey|gray|0?\.\d+|0|1"
PAINT = {"c", "color", "colors", "edgecolor", "facecolor", "edgecolors", "facecolors", "ec", "fc"}
# A second sign besides colour: a shape, a line style, or words.
SIGNS = {"marker", "ls", "linestyle", "hatch", "text", "annotate", "bar_label", "MARKERS"}


def alt_faults(notebook: NotebookNode) -> list[str]:
    """Figures among the outputs whose alt text is missing or empty of meaning."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for kind in [kind for kind in output.get("data", {}) if kind.startswith("image/")]:
                alt = output.metadata.get(kind, {}).get("alt", "")
                if len(alt.split()) < 4 or re.search(r"\.(png|gif)\b|^(figure|image)\b", alt, re.I):
                    found.append(f"a figure's alt text says nothing: {alt!r}")
            html = output.get("data", {}).get("text/html", "")
            if re.search(r"<img(?![^>]*\balt=\"[^\"])", html):
                found.append("an HTML output has an image without alt text")
            if "<table" in html and "<th" not in html:
                found.append("an HTML table has no header cells")
    return found


def link_faults(notebook: NotebookNode) -> list[str]:
    """Links whose text does not name their target."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    texts = re.findall(r"(?<!!)\[([^\]\[]+)\]\([^)]+\)", text)
    vague = {"here", "link", "this", "click here", "see here"}
    return [f"a link says only {said!r}" for said in texts if said.strip().lower() in vague]


def colour_faults(notebook: NotebookNode) -> list[str]:
    """Colours that are not from the palette, and colour as the only sign."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found += cell_colour_faults(
                ast.parse(re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", cell.source))
            )
    return found


def cell_colour_faults(tree: ast.Module) -> list[str]:
    found, signs = [], set()
    indices, zipped = set(), False  # of the palette; a loop over the palette
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            signs.add(getattr(node, "attr", getattr(node, "id", "")))
        if isinstance(node, ast.keyword):
            signs.add(node.arg)
            for value in strings(node.value):
                if node.arg == "cmap" and value not in MAPS:
                    found.append(f"the colour map {value} is not one of {', '.join(sorted(MAPS))}")
                if node.arg in PAINT and not re.fullmatch(GREYS, value):
                    found.append(f"the colour {value} is neither a grey nor from plots.PALETTE")
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "plot":
            for argument in node.args:
                if isinstance(argument, ast.Name) and "style" in argument.id:
                    signs.add("linestyle")
                for value in strings(argument):
                    if re.fullmatch(r"[-.:osv^D*]*[rgbcmy][-.:osv^D*]*", value):
                        found.append(f"the colour in {value!r} is not from plots.PALETTE")
                    elif re.fullmatch(r"k?[-.:osv^D*]+", value):
                        signs.add("linestyle")
        if isinstance(node, ast.Subscript) and "PALETTE" in ast.unparse(node.value):
            indices.add(node.slice.value if isinstance(node.slice, ast.Constant) else "many")
        if isinstance(node, ast.For | ast.comprehension):
            zipped |= "PALETTE" in ast.unparse(node.iter)
    several = zipped or "many" in indices or len(indices) > 1
    if several and not signs & SIGNS:
        found.append("colour is the only sign: add a marker, a line style or words")
    return found


def strings(node: ast.AST) -> list[str]:
    """Literal strings, including those in a tuple, a list or an `if else`."""
    return [
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def faults(notebook: NotebookNode) -> list[str]:
    return [*alt_faults(notebook), *link_faults(notebook), *colour_faults(notebook)]


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_is_accessible(path):
    assert faults(nbformat.read(path, as_version=4)) == []


def picture(**metadata) -> NotebookNode:
    return new_output("display_data", data={"image/png": "iVBORw0KGgo="}, metadata=metadata)


def sound() -> NotebookNode:
    return new_notebook(
        cells=[
            new_markdown_cell("# A\n\n[02_warmup](02_warmup.ipynb) goes on."),
            new_code_cell(
                "%matplotlib inline\npanel.plot(x, y, '-', color=plots.PALETTE[0])\n"
                "panel.plot(x, z, '--', color=plots.PALETTE[1])\npanel.imshow(r, cmap='Blues')",
                outputs=[picture(**{"image/png": {"alt": "two lines that cross at zero"}})],
            ),
        ]
    )


BREAKAGES = {
    "alt text says nothing: ''": lambda n: n.cells[1].outputs.append(picture()),
    "says nothing: 'Figure 1 of the lot'": lambda n: n.cells[1].outputs.append(
        picture(**{"image/png": {"alt": "Figure 1 of the lot"}})
    ),
    "image without alt": lambda n: n.cells[1].outputs.append(
        new_output("display_data", data={"text/html": '<img src="x.png">'})
    ),
    "no header cells": lambda n: n.cells[1].outputs.append(
        new_output("display_data", data={"text/html": "<table><td>1</td></table>"})
    ),
    "a link says only 'here'": lambda n: n.cells[0].update(source="# A\n\n[here](b.ipynb)"),
    "colour map jet": lambda n: n.cells[1].update(source="panel.imshow(r, cmap='jet')"),
    "the colour red": lambda n: n.cells[1].update(source="panel.scatter(x, y, c='red')"),
    "the colour #00ff00": lambda n: n.cells[1].update(source="p.text(x, color='#00ff00')"),
    "the colour in 'r-'": lambda n: n.cells[1].update(source="panel.plot(x, y, 'r-')"),
    "only sign: add": lambda n: n.cells[1].update(
        source="for k in range(3):\n    panel.plot(x, y[k], color=plots.PALETTE[k])"
    ),
    "colour is the only sign": lambda n: n.cells[1].update(
        source="for y, c in zip(ys, plots.PALETTE):\n    panel.scatter(x, y, c=c)"
    ),
}


def test_a_sound_notebook_has_no_faults():
    assert faults(sound()) == []


@pytest.mark.parametrize("said", BREAKAGES)
def test_a_broken_rule_is_reported(said):
    notebook = sound()
    BREAKAGES[said](notebook)
    assert any(said in fault for fault in faults(notebook)), faults(notebook)


# How a colour looks to a person without one of the three kinds of cones: matrices on linear RGB, at
# full severity. Machado, Oliveira and Fernandes (2009), "A physiologically-based model for
# simulation of color vision deficiency", IEEE TVCG 15(6), table 1.
SIGHTS = {
    "every cone": np.eye(3),
    "no red cones (protanopia)": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green cones (deuteranopia)": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no blue cones (tritanopia)": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# sRGB's primaries, white D65: IEC 61966-2-1.
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # fmt: skip
# Two colours side by side differ visibly from a distance of 2.3 (Mahy, Van Eycken and Oosterlinck,
# 1994, "Evaluation of uniform color spaces"). Small marks apart from each other need more.
JUST_SEEN = 2.3
WANTED = 4 * JUST_SEEN


def linear(colour: str) -> np.ndarray:
    srgb = np.array(to_rgb(colour))
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB [3] -> CIE L*a*b*, in which distances are about as large as they look."""
    ratio = TO_XYZ @ rgb.clip(0, 1) / TO_XYZ.sum(1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(first: np.ndarray, second: np.ndarray, sight: str) -> float:
    """How different two linear colours look."""
    matrix = SIGHTS[sight]
    return float(np.linalg.norm(lab(matrix @ first) - lab(matrix @ second)))


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_palette_is_told_apart(sight):
    colours = [*plots.PALETTE, "#FFFFFF"]
    pairs = {
        f"{a} and {b}": apart(linear(a), linear(b), sight)
        for i, a in enumerate(colours)
        for b in colours[:i]
    }
    nearest = min(pairs, key=pairs.get)
    assert pairs[nearest] > WANTED, (nearest, pairs[nearest])


def test_lab_of_known_colours():
    """Black and white by definition; red as in the tables for sRGB."""
    assert lab(linear("#000000")) == pytest.approx([0, 0, 0], abs=1e-9)
    assert lab(linear("#FFFFFF")) == pytest.approx([100, 0, 0], abs=1e-6)
    assert lab(linear("#FF0000")) == pytest.approx([53.2, 80.1, 67.2], abs=0.1)


@pytest.mark.parametrize("sight", SIGHTS)
def test_a_simulated_eye_leaves_greys_as_they_are(sight):
    assert SIGHTS[sight].sum(1) == pytest.approx(np.ones(3), abs=1e-5)


@pytest.mark.parametrize("sight", [name for name in SIGHTS if "red" in name or "green" in name])
def test_a_simulated_eye_takes_some_colours_for_one(sight):
    """Two colours that differ in a direction that this eye cannot see."""
    unseen = np.linalg.svd(SIGHTS[sight])[2][-1]
    middle = np.full(3, 0.3)
    first, second = middle + 0.2 * unseen, middle - 0.2 * unseen
    assert apart(first, second, "every cone") > WANTED
    assert apart(first, second, sight) < WANTED / 2


def test_matplotlib_s_own_red_and_green_would_fail():
    red, green = linear("#D62728"), linear("#2CA02C")
    assert apart(red, green, "every cone") > WANTED
    assert apart(red, green, "no green cones (deuteranopia)") < WANTED


def test_the_package_takes_its_colours_from_the_palette():
    """Greys are allowed, because they have no hue."""
    known = {colour.upper() for colour in plots.PALETTE}
    odd = {}
    for path in [*ROOT.glob("wdlib/**/*.py"), *ROOT.glob("wdlib/**/*.css")]:
        for colour in re.findall(r"#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8")):
            if colour.upper() not in known and len({colour[1:3], colour[3:5], colour[5:7]}) > 1:
                odd[colour] = path.name
    assert odd == {}
