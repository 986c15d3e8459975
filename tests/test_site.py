"""The course site and the tour's page: they are whole, and need no network."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wdlib.course.notebooks import ROOT, notebooks

pages = pytest.importorskip("wdlib.course.pages", reason="needs docutils: pip install docutils")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
VOID = {"img", "link", "meta", "br", "hr", "input", "source", "path", "col", "wbr"}


class Page(HTMLParser):
    """A page's links, the files that it loads, its anchors, and its text outside of code."""

    def __init__(self, html: str):
        super().__init__()
        self.links, self.loaded, self.anchors, self.tags, self.open = [], [], set(), [], []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found.get("id"), found.get("name")}
        self.tags.append(tag)
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if FETCHED.get(tag) in found:
            self.loaded.append(found[FETCHED[tag]])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if not {"pre", "code", "script", "style", "dt"} & set(self.open):
            self.text += data


def equations(path: Path) -> int:
    """How many equations the notebook has."""
    cells = nbformat.read(path, as_version=4).cells
    told = (c.source for c in cells if c.cell_type == "markdown")
    return sum(bool(m["block"] or m["inline"]) for s in told for m in pages.EQUATION.finditer(s))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, and what Sphinx warned of."""
    for name in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(name, reason="needs the extra site: make install")
    folder = tmp_path_factory.mktemp("build")
    command = [sys.executable, "-m", "wdlib.course.site", folder]
    env = os.environ | {"NO_COLOR": "1"}
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder / "site", run.stderr


@pytest.fixture(scope="module")
def found(site):
    """Address below the site -> its page."""
    folder = site[0]
    return {
        path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
    }


def test_sphinx_found_nothing_wrong_but_in_docstrings(site):
    assert [line for line in site[1].splitlines() if "docstring of" not in line] == []


def test_the_site_has_all_pages(found):
    wanted = {f"notebooks/{path.stem}.html" for path in notebooks()}
    wanted |= {"index.html", "notebooks/README.html", "api.html", "api/wdlib.metrics.html"}
    wanted |= {"search.html", "genindex.html"}
    assert wanted <= set(found)
    assert (ROOT / "notebooks/results/README.md").exists() == (
        "notebooks/results/README.html" in found
    )


def test_its_links_lead_somewhere(site, found):
    folder, dead = site[0], []
    for name, page in found.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (folder / name).parent / unquote(parts.path) if parts.path else folder / name
            address = os.path.relpath(target.resolve(), folder)
            if not target.exists():
                dead.append((name, link))
            elif parts.fragment and address in found:
                if unquote(parts.fragment) not in found[address].anchors:
                    dead.append((name, link))
    assert dead == []


def test_it_loads_nothing_from_elsewhere(site, found):
    away = [(name, one) for name, page in found.items() for one in page.loaded
            if re.match(r"\w+:|//", one) and not one.startswith("data:")]  # fmt: skip
    assert away == []
    for path in site[0].rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:|//)", path.read_text()), path


def test_no_tex_is_left(found):
    for name, page in found.items():
        assert not re.search(r"\$|\\\(|\\\[|\\begin|\\[a-z]{3,}", page.text), name


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_s_page_has_its_equations_and_figures(path, found):
    page = found[f"notebooks/{path.stem}.html"]
    assert page.tags.count("math") == equations(path)
    cells = nbformat.read(path, as_version=4).cells
    kinds = [kind for c in cells for o in c.get("outputs", []) for kind in o.get("data", {})]
    assert page.tags.count("img") >= sum(kind.startswith("image/") for kind in kinds)
    assert not [link for link in page.links if "colab" in link or link.endswith(".ipynb")]


def test_public_names_are_documented(site):
    index = (site[0] / "api.html").read_text(encoding="utf-8")
    text = re.sub(r"<.*?>", "", index)
    for name in ("task", "load", "split", "Trainer", "train_judge", "evaluate", "relation"):
        assert f"wdlib.{name}(" in text
    page = (site[0] / "api/wdlib.metrics.html").read_text(encoding="utf-8")
    assert 'id="wdlib.metrics.mig.mig"' in page


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs a browser: chromium")
def test_it_works_from_a_disk(site, tmp_path):
    """Equations have a size, search finds, and nothing is asked of a network."""
    sync_api = pytest.importorskip("playwright.sync_api")
    (tmp_path / "tour.html").write_text(tour(), encoding="utf-8")
    asked = []
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=BROWSER, args=options)
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        for page in (site[0] / "notebooks/03_priors.html", tmp_path / "tour.html"):
            tab.goto(page.as_uri())
            high = tab.evaluate("[...document.querySelectorAll('math')].map(m => m.clientHeight)")
            assert high and min(high) > 5
        tab.goto((site[0] / "search.html").as_uri() + "?q=covariance")
        tab.wait_for_selector("#search-results li a")
        links = tab.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
        browser.close()
    assert any("notebooks/03_priors.html" in link for link in links)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def tour() -> str:
    path = next(path for path in notebooks() if path.stem == "00_tour")
    return pages.page(nbformat.read(path, as_version=4), "tour")


def test_the_tour_s_page_needs_no_network():
    page = Page(tour())
    assert page.tags.count("math") == equations(ROOT / "notebooks/00_tour.ipynb") > 10
    assert "script" not in page.tags and "link" not in page.tags
    others = [link for link in page.links if link.endswith(".ipynb")]
    assert others and all((ROOT / "build" / link).resolve().is_file() for link in others)
    assert page.loaded and all(one.startswith("data:image/") for one in page.loaded)
    assert not re.search(r"\$|\\[a-z]{3,}", page.text)


def test_equations_of_known_mathml():
    inside = '<math xmlns="http://www.w3.org/1998/Math/MathML">{}</math>'
    assert pages.mathml("x^2") == inside.format("<msup><mi>x</mi><mn>2</mn></msup>")
    for tex in (r"\frac{1}{2}", r"\frac12", r"\tfrac12"):
        assert "<mn>1</mn><mn>2</mn></mfrac><mi>a</mi>" in pages.mathml(tex + " a")
    assert "<mtext>(3)</mtext></math>" in pages.mathml(r"a \tag{3}", block=True)
    for tex, sign in ((r"\mathcal L", "ℒ"), (r"\mathbb E", "𝔼"), (r"\sim", "∼"), ("z'", "′")):
        assert sign in pages.mathml(tex)
    assert "|" not in pages.mathml(r"p(x|z)")  # in a table of Markdown it would end the cell
    with pytest.raises(ValueError, match=r"cannot convert the equation '\\\\unheard x'"):
        pages.mathml(r"\unheard x")


def test_code_is_no_equation_and_badges_go():
    text = "A `$x$` and $x$.\n\n```\n$$y$$\n```\n\n[![Open](https://a/b.svg)](https://a)\nEnd \\$5."
    changed = pages.offline(text)
    assert changed.count("<math") == 1 and "`$x$`" in changed and "$$y$$" in changed
    assert "https" not in changed.split("</math>")[1] and changed.endswith("\nEnd \\$5.")


def test_a_notebook_becomes_markdown():
    site = pytest.importorskip("wdlib.course.site", reason="needs the extra site: make install")
    claims = new_code_cell("assert True", metadata={"tags": ["claims"]})
    code = new_code_cell("print('<1>')", outputs=[nbformat.v4.new_output("stream", text="<1>\n")])
    text = site.notebook_page(new_notebook(cells=[new_markdown_cell("# A\n$x$"), code, claims]))
    assert text.startswith("# A\n<math") and "~~~~python\nprint('<1>')\n~~~~" in text
    assert "<pre>&lt;1&gt;\n</pre>" in text
    assert text.index("<details>") < text.index("assert True") < text.index("</details>")
    assert site.linked("[a](../02_x.ipynb#b) [c](../../README.md)") == (
        "[a](../02_x.md#b) [c](../../index.md)"
    )
