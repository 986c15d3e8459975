"""The results pages show what the result files hold."""

import re

import pytest
from PIL import Image

from wdlib.experiments import report
from wdlib.experiments.report import BLOCKS, PAGES, PICTURES, RESULTS, render


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_is_what_the_command_renders(page):
    text = page.read_text(encoding="utf-8")
    assert render(text) == text, "run: python -m wdlib report"


def test_every_block_is_on_a_page():
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {*re.findall(r"<!-- ([\w-]+) -->", pages)} >= BLOCKS.keys() - {"results"}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_was_drawn_from_the_present_files(name):
    with Image.open(RESULTS / f"{name}.png") as image:
        assert image.text["Description"] == PICTURES[name].digest, "run: python -m wdlib report"
        assert image.width > 600


def test_an_alt_text_has_the_lowest_and_the_highest_mean_of_each_task():
    alt = PICTURES["table2"].alt
    assert "on dSprites.v3 from 0.008 (Modular (paper)) to 0.998 (Modular)" in alt
    assert report.steps().loc["Fader networks", "dSprites.v3"] == "12,796"


def test_no_table_in_view_has_more_than_twelve_lines():
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    shown = re.sub(r"(?s)<details>.*?</details>", "", text)
    tables = re.findall(r"(?m)(?:^\|.*\n)+", shown)
    assert tables and max(table.count("\n") - 2 for table in tables) <= 12


def test_the_front_table_has_six_tasks():
    table = report.table_1(**report.FRONT)
    assert len(table) == 6 and table.loc["dSprites.v2", "published"] == "0.724"


def test_a_block_is_rendered_between_its_marks(monkeypatch):
    monkeypatch.setitem(BLOCKS, "a", lambda: "new")
    assert render("x <!-- a -->old<!-- /a --> y") == "x <!-- a -->\nnew\n<!-- /a --> y"
    with pytest.raises(ValueError, match="there is no block 'b'"):
        render("<!-- b --><!-- /b -->")


def test_a_report_needs_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="needs a checkout"):
        report.write_report()
