"""The navigator in a real browser: JupyterLab in headless Chromium runs notebook 08, and every
control changes the image as it should. A judge reads the image that the page shows.

The tests also run Notebook 7 and Voila if they are installed: pip install notebook voila.
Screenshots go to build/browser/.
"""

import base64
import importlib.util
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
import torch
from PIL import Image

from wdlib.data import device_images, load
from wdlib.data.split import split
from wdlib.metrics.judge import kept_judge
from wdlib.navigator.maps import PartitionMap
from wdlib.pretrained import folder_of, load_pretrained
from wdlib.relations import relation

ROOT = Path(__file__).parents[1]
SHOTS = ROOT / "build" / "browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
SECONDS = 240  # until the notebook has run, on a slow machine
TOKEN = "of-this-test"
NOTEBOOK = "08_navigator.ipynb"
# Module that serves, and where it shows the notebook.
FRONTS = {"jupyterlab": "lab/tree", "notebook": "notebooks", "voila": "voila/render"}

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install playwright"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"needs a browser: {', '.join(BROWSERS)}"),
]


@pytest.fixture(scope="module", params=FRONTS)
def front(request):
    """The front end's module, which has to be installed."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"needs {request.param}: pip install {request.param}")
    return request.param


@pytest.fixture(scope="module")
def address(front, tmp_path_factory):
    """The front end's address, on a copy of notebook 08 and with settings of its own."""
    home = tmp_path_factory.mktemp(front)
    (home / "work").mkdir()
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, home / "work")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own = {name: str(home / name.lower()) for name in (*names, "JUPYTERLAB_WORKSPACES_DIR")}
    command = [sys.executable, "-m", front, "--no-browser"]
    if front == "voila":
        command += [f"--port={port}", "--Voila.ip=127.0.0.1", f"--token={TOKEN}", home / "work"]
    else:
        command += [
            *("--allow-root", "--ip=127.0.0.1", f"--ServerApp.port={port}"),
            *("--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"),
            f"--ServerApp.root_dir={home / 'work'}",
        ]
    log = (home / "log").open("w")
    env = os.environ | own | {"JUPYTER_PREFER_ENV_PATH": "1"}
    server = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=home)
    ready = "voila/" if front == "voila" else "api/status"
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(240):
            assert server.poll() is None, (home / "log").read_text()
            try:
                urlopen(f"{base}/{ready}?token={TOKEN}", timeout=1).close()
                break
            except OSError:
                time.sleep(0.5)
        yield base
    finally:
        server.terminate()
        server.wait(20)
        log.close()


@pytest.fixture(scope="module")
def page(front, address):
    """A page in which the whole notebook has run."""
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=BROWSER, args=options)
        page = browser.new_page(viewport={"width": 1360, "height": 1500})
        page.set_default_timeout(30_000)
        page.goto(
            f"{address}/{FRONTS[front]}/{NOTEBOOK}?token={TOKEN}",
            timeout=1000 * SECONDS, wait_until="commit",
        )  # fmt: skip
        SHOTS.mkdir(parents=True, exist_ok=True)
        try:
            run_all(page, front)
        finally:
            page.screenshot(path=SHOTS / f"run-{front}.png")
        yield page
        browser.close()


def run_all(page, front: str) -> None:
    """Run every cell, and come back to the navigator."""
    if front != "voila":  # which runs them by itself, and shows the page when they have run
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_selector("text=/Python 3/")  # the kernel's name
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
    # The walk in code, which a later cell takes.
    page.wait_for_selector("text=/Step 7, left/", state="attached", timeout=1000 * SECONDS)
    if front == "jupyterlab":
        page.wait_for_selector("#jp-main-statusbar >> text=/Idle/", timeout=1000 * SECONDS)
    elif front == "notebook":  # the last code cell has its number
        last = page.locator(".jp-CodeCell .jp-InputPrompt").last
        sync_api.expect(last).to_have_text(re.compile(r"\d"), timeout=1000 * SECONDS)
    if (no := page.get_by_role("button", name="No", exact=True)).count():
        no.click()  # no news, thank you
    page.locator(".wdlib-map").first.evaluate("e => e.scrollIntoView({block: 'start'})")


class View:
    """What the page shows, and what the judge reads there."""

    def __init__(self, page):
        self.page = page
        self.model = load_pretrained("dSprites.v2")
        self.task = self.model.task
        self.images = load(self.task.dataset)
        self.parts = split(self.task, seed=0)
        self.judge = kept_judge(folder_of(self.task.name), self.parts, self.images)

    @property
    def source(self) -> str:
        return self.page.locator('img[alt^="decoded image"]').last.get_attribute("src")

    @property
    def values(self) -> np.ndarray:
        """Read from the pixels on the page, not from what the kernel reports."""
        data = base64.b64decode(self.source.removeprefix("data:image/png;base64,"))
        pixels = np.asarray(Image.open(io.BytesIO(data)), np.float32) / 255
        return self.judge.read(torch.from_numpy(pixels)[None, None])[0].numpy()

    @property
    def said(self) -> str:
        return self.page.locator(".wdlib-status").last.inner_text()

    @property
    def number(self) -> int:
        return int(re.match(r"Step (\d+)", self.said).group(1))

    def wait(self, number: int, name: str) -> None:
        sync_api.expect(self.page.locator(".wdlib-status").last).to_contain_text(
            f"Step {number}, {name}", timeout=20_000
        )

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True)

    def shot(self, name: str) -> None:
        self.page.screenshot(path=SHOTS / f"{name}.png")


@pytest.fixture(scope="module")
def view(page):
    return View(page)


def test_no_cell_of_the_notebook_failed(page):
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0


@pytest.mark.parametrize("name", ["right", "down", "next-shape", "up", "left"])
def test_a_relation_button_changes_the_picture_as_the_relation_says(view, name):
    number, before, source = view.number, view.values, view.source
    view.button(name).click()
    view.wait(number + 1, name)
    wanted = relation(name, view.task)(before[None], view.task)[0]
    assert view.source != source
    assert view.values.tolist() == wanted.tolist() != before.tolist()
    assert "✓ as wanted" in view.said
    view.shot(f"relation-{name}")


def test_undo_brings_the_picture_back(view):
    number, source = view.number, view.source
    view.button("right").click()
    view.wait(number + 1, "right")
    view.button("undo").click()
    view.wait(number, "")
    assert view.source == source


def test_a_dragged_slider_changes_one_partition(view):
    number, before, source = view.number, view.values, view.source
    row = view.page.locator(".widget-slider", has_text="dimension 3")
    handle = row.locator(".noUi-handle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    for _ in range(8):
        x += 4
        view.page.mouse.move(x, y)
    view.page.mouse.up()
    view.wait(number + 1, "shape dim 3")  # the whole drag is one step
    assert view.source != source
    assert view.values[1] == before[1], "the position moved with the shape"
    view.shot("slider")


def place_of(view, partition: int, value: int) -> tuple[float, float]:
    """Where on the page the centre of an island is."""
    test = view.parts.test[:400]  # the points on the map, which make its frame
    codes = view.model.encode(device_images(view.images, view.task.classes(test)))[:, partition]
    values = view.task.labels(test)[:, partition]
    factor = view.task.factors[partition]
    island = PartitionMap(factor, view.model.prior, partition, codes, values)
    x, y = island.fraction(island.centres)[value]
    shown = view.page.locator(".wdlib-map").nth(partition)
    shown.scroll_into_view_if_needed()
    box = shown.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


@pytest.mark.parametrize(("partition", "value"), [(0, 1), (1, 8), (1, 0)])
def test_a_press_on_an_island_of_the_map_leads_to_its_value(view, partition, value):
    number, before = view.number, view.values
    factor = view.task.factors[partition].name
    view.page.mouse.click(*place_of(view, partition, value))
    view.wait(number + 1, f"{factor} map")
    wanted = before.copy()
    wanted[partition] = value
    assert view.values.tolist() == wanted.tolist()
    view.shot(f"press-{factor}-{value}")


@pytest.mark.parametrize(("partition", "start", "end"), [(1, 0, 4), (0, 2, 0)])
def test_a_drag_over_the_map_is_one_step_and_ends_on_the_island(view, partition, start, end):
    number, before = view.number, view.values
    factor = view.task.factors[partition].name
    view.page.mouse.move(*place_of(view, partition, start))
    view.page.mouse.down()
    view.page.mouse.move(*place_of(view, partition, end), steps=12)
    view.page.mouse.up()
    wanted = before.copy()
    wanted[partition] = end
    deadline = time.monotonic() + 20  # the step is there with the first move, and goes on
    while view.values.tolist() != wanted.tolist() and time.monotonic() < deadline:
        view.page.wait_for_timeout(200)
    assert view.values.tolist() == wanted.tolist()
    view.wait(number + 1, f"{factor} map")
    view.shot(f"drag-{factor}")


def test_the_map_is_walked_with_the_keyboard(view):
    number = view.number
    box = view.page.locator(".wdlib-map").first
    box.focus()
    marks = box.locator("svg").inner_html()
    for _ in range(3):
        view.page.keyboard.press("ArrowDown")
    view.wait(number + 1, "shape map")  # a row of arrow keys is one step
    sync_api.expect(box).to_be_focused()  # JupyterLab's own arrow keys would leave the cell
    assert box.locator("svg").inner_html() != marks
    view.shot("keyboard")


def test_every_control_is_reached_by_tab_and_has_a_name(view):
    view.page.locator(".wdlib-map").first.focus()
    names = []
    for _ in range(40):
        names.append(
            view.page.evaluate("""() => {
            const e = document.activeElement;
            const row = e.closest(".widget-inline-hbox");
            const label = row && row.querySelector("label");
            return e.getAttribute("aria-label") || (label || e).innerText;
        }""")
        )
        if names[-1].startswith("make a file"):
            break
        view.page.keyboard.press("Tab")
    assert all(names), names
    wanted = "map of partition 1|map of partition 2|at island|left|next-shape|undo|posX|start here"
    wanted += "|random image|partition|dimension 1|dimension 8|make a file"
    for name in wanted.split("|"):
        assert any(name in found for found in names), (name, names)


def test_the_film_is_saved(view):
    view.button("make a file").click()
    steps = view.number + 1
    with view.page.expect_download() as download:
        view.page.get_by_role("link", name="save walk.gif").click()
    film = Image.open(download.value.path())
    assert (film.format, film.n_frames) == ("GIF", steps)


def test_a_new_start_from_chosen_factors(view):
    row = view.page.locator(".widget-inline-hbox", has_text="posX")
    row.locator(".noUi-handle").focus()
    for _ in range(15):
        view.page.keyboard.press("ArrowRight")
    preview = view.page.locator('img[alt^="image to start from"]')
    sync_api.expect(preview).to_have_attribute("alt", re.compile("right$"), timeout=20_000)
    view.button("start here").click()
    view.wait(0, "start")
    place = view.task.factors[1].value_names[view.values[1]]
    assert place.endswith("right")
    view.shot("start")
