"""Tables: result files that read back, and tables whose means, ranges and marks are the rows'."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from wdlib.experiments.cells import Cell
from wdlib.experiments.grid import frame_of
from wdlib.experiments.recipes import KNOWN, TITLES, title
from wdlib.experiments.studies import STUDIES, cells_of, paces
from wdlib.experiments.tables import (
    SHOWN,
    by_labels,
    by_task,
    compare,
    encoder,
    pick,
    read_results,
    replications,
    summary,
    systems,
    unseen,
    winners,
    write_results,
)
from wdlib.methods import METHODS

RESULTS = Path(__file__).parents[1] / "notebooks" / "results"
FILES = sorted(RESULTS.glob("*.csv"))


def frame(dataset="dSprites.v3"):
    """Two methods, two seeds, a relation and a score of two conventions."""
    records = {}
    for method, base in (("modular", 0.8), ("beta_vae", 0.3)):
        for seed in (0, 1):
            found = {
                ("-", "judged_encoded"): base + seed / 10,
                ("-", "oracle_judged_encoded"): 0.99,
                ("-", "chance_judged_encoded"): 1 / 135,
                ("raw", "mig"): 0.9 - base,
            }
            if method == "modular":
                found["converted", "mig"] = 0.95
            records[Cell(dataset, method, seed, seconds=240)] = {
                "rows": [{"convention": c, "score": s, "value": v} for (c, s), v in found.items()],
                "source": {"seconds": 12.5, "commit": "abc", "torch": "2.9"},
            }
    return frame_of(records)


def test_a_result_file_reads_back_and_is_written_the_same_again(tmp_path):
    path = tmp_path / "results" / "table.csv"
    write_results(frame(), path)
    back = read_results(path)  # figures come in another order
    sort = {"by": ["method", "seed", "convention", "score"], "ignore_index": True}
    pd.testing.assert_frame_equal(
        back.sort_values(**sort), frame().sort_values(**sort), rtol=1e-5, check_dtype=False
    )
    write_results(back, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_result_files_are_written_the_same_again(tmp_path, path):
    write_results(read_results(path), tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


def test_a_file_has_one_line_a_cell(tmp_path):
    write_results(frame(), tmp_path / "t.csv")
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        ours, again, theirs, _ = csv.DictReader(file)
    assert (ours["dataset"], ours["method"], ours["seed"]) == ("dSprites.v3", "modular", "0")
    assert (float(ours["judged_encoded"]), float(again["judged_encoded"])) == (0.8, 0.9)
    assert (float(ours["raw:mig"]), float(ours["converted:mig"])) == (0.1, 0.95)
    assert theirs["converted:mig"] == ""
    assert (ours["commit"], ours["budget"]) == ("abc", "240 s")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text.replace("dataset,", "data,", 1), "it lacks the columns dataset"),
        (lambda text: text.rsplit(",", 2)[0], "its last line is cut short"),
        (lambda text: text + text.splitlines()[-1] + ",more\n", "Expected .* fields"),
        (lambda text: text.replace("0.8,", "high,", 1), "'high'"),
        (lambda text: text.replace(",0,1000,", ",0.5,1000,", 1), "'0.5'"),
        (lambda text: "", "its last line is cut short"),
    ],
)
def test_another_file_is_refused_in_one_sentence(tmp_path, damage, words):
    path = tmp_path / "table.csv"
    write_results(frame(), path)
    whole = path.read_text(encoding="utf-8")
    assert damage(whole) != whole
    path.write_text(damage(whole), encoding="utf-8")
    with pytest.raises(ValueError, match=f"table.csv is not a result file of wdlib: .*{words}"):
        read_results(path)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_results(tmp_path / "nowhere.csv")


JUDGED, RAW_MIG = "judged, from images", "MIG, raw"


def test_a_comparison_has_mean_and_range():
    table = compare(frame(), [("-", "judged_encoded"), ("raw", "mig")])
    assert [*table.index] == ["Modular", "beta-VAE", "oracle", "chance"]
    assert table.loc["Modular", JUDGED] == "0.850 (0.800 to 0.900)"
    assert table.loc["beta-VAE", JUDGED] == "0.350 (0.300 to 0.400)"
    assert table.loc["oracle", JUDGED] == "0.990"
    assert table.loc["chance", JUDGED] == "0.007"
    assert [*table[RAW_MIG]] == ["0.100", "0.600", "", ""]


def test_no_system_is_best_at_a_score_that_can_exceed_its_oracle():
    raw = frame().query("score == 'mig'").assign(score="sap")
    grouped = raw.assign(convention="grouped")
    assert "SAP, raw" in winners(raw).index and len(winners(grouped)) == 0


def test_a_comparison_has_one_convention_a_column():
    table = compare(frame(), [("raw", "mig"), ("converted", "mig"), ("grouped", "mig")])
    assert [*table] == [RAW_MIG, "MIG, converted"]
    assert [*table.loc["beta-VAE"]] == ["0.600", ""]


def test_the_short_table_of_systems_has_supervision_oracle_and_chance():
    one = frame().iloc[[0]]
    more = [
        one.assign(convention=c, score=s, value=v, method=m)
        for c, s, v, m in (
            ("converted", "oracle_mig", 0.875, "modular"),
            ("converted", "chance_mig", 0.125, "modular"),
            ("-", "fit_labels", 1000, "modular"),
            ("grouped", "mig", 0.3, "modular"),
            ("grouped", "mig", 0.5, "beta_vae"),
        )
    ]
    table = systems(pd.concat([frame(), *more]))
    assert [*table] == ["supervision", JUDGED, RAW_MIG, "MIG, grouped", "MIG, converted"]
    judged = "0.850 (0.800 to 0.900)"
    assert [*table.loc["Modular"]] == ["1000 labels", judged, "0.100", "0.300", "0.950"]
    assert [*table.loc["oracle"]] == ["", "0.990", "", "", "0.875"]
    assert [*table.loc["chance"]] == ["", "0.007", "", "", "0.125"]
    best = winners(pd.concat([frame(), *more]))["dSprites.v3"].to_dict()
    assert best == {
        JUDGED: "Modular 0.850",
        RAW_MIG: "beta-VAE 0.600; Modular 0.100, rank 2 of 2",
        "MIG, grouped": "beta-VAE 0.500; Modular 0.300, rank 2 of 2",
        "MIG, converted": "Modular 0.950",
    }


def test_the_summary_has_a_line_for_each_budget_in_seconds():
    records = {}
    budgets = ({"steps": 2800}, {"seconds": 3600.0}, {"seconds": 800.0, "device": "cuda"})
    for budget, method in zip(budgets, ("modular", "modular-paper", "modular-paper")):
        figures = {"judged_encoded": 0.5, "encoder_all": 0.75, "encoder_shape": 0.875}
        figures |= {"fit_seconds": 90.0, "fit_steps": 1836.0}
        rows = [{"convention": "-", "score": s, "value": v} for s, v in figures.items()]
        records[Cell("dSprites.v2", method, **budget)] = {"rows": rows, "source": {}}
    table = summary(frame_of(records)).loc["dSprites.v2"]
    paper = ["Modular (paper), 3600 s", "Modular (paper), 800 s on cuda"]
    assert [*table.index] == ["Modular", *paper]
    assert [*table.loc["Modular"]] == ["0.500", "0.750", "1,836", "1.5"]
    table = encoder(frame_of(records))
    assert [*table] == ["all factors", "shape"] and set(table["shape"]) == {"0.875"}


def test_each_study_has_its_own_summary():
    few = pd.concat([frame(), frame().assign(labels=50, value=frame().value / 2)])
    line = by_labels(few).loc["dSprites.v3", "Modular"]
    assert [*line.items()] == [(50, "0.425 (0.400 to 0.450)"), (1000, "0.850 (0.800 to 0.900)")]
    read = few.assign(score=few.score.replace("judged_encoded", "encoder_all"))
    assert [*by_labels(read, "encoder_all").loc["dSprites.v3", "Modular"]] == [*line]
    assert by_task(frame()).loc["Modular", "dSprites.v3"] == "0.850 (0.800 to 0.900)"
    line = replications(frame()).loc["dSprites.v3", "Modular", "raw"]
    assert line.to_dict() == {"MIG": "0.100"}
    into = pd.concat([frame().assign(score=f"judged_prior_{k}") for k in ("seen", "unseen")])
    assert [*unseen(into)] == ["unseen, from the prior", "seen, from the prior"]
    assert SHOWN.keys() == STUDIES.keys()


def test_a_collapsed_run_has_no_judged_accuracy():
    lost = frame().iloc[[0]].assign(score="collapsed", value=1.0)
    picked = pick(lost, {("-", "judged_encoded"): "judged"})
    assert picked.value.isna().all() and [*picked.figure] == ["judged"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_measured_row_has_a_clean_commit_a_title_and_a_recipe_of_this_version(path):
    rows = read_results(path)
    assert all(rows.commit) and not rows.commit.str.endswith("-dirty").any()
    for where, name, recipe in {*zip(rows.dataset, rows.method, rows.recipe)}:
        assert name in TITLES and KNOWN[name].recipe(where) == recipe


def test_titles_are_unique_in_a_table():
    for study in STUDIES.values():
        names = {name for runs in study for name in runs.methods}
        assert len({title(name) for name in names}) == len(names)


def test_the_steps_of_table_2_are_what_its_time_buys():
    asked = {(c.task, c.method): c.steps for c in cells_of("2", seeds=(0,))}
    assert len(asked) == 28 and all(asked.values())
    taken = read_results(RESULTS / "table2.csv").query("score == 'fit_steps'")
    for where, name, steps in zip(taken.dataset, taken.method, taken.value):
        assert steps == asked[where, name]


def test_a_pace_belongs_to_one_recipe(monkeypatch):
    measured = {(c.task, c.method, c.recipe): c.steps for c in cells_of("2", seeds=(0,))}
    assert measured.keys() == paces().keys() and len(measured) == 2 * len(METHODS)
    one, *_ = measured
    other = dict.fromkeys([(*one[:2], "another")], 1.0)
    monkeypatch.setattr("wdlib.experiments.studies.paces", lambda: other)
    assert {c.seconds for c in cells_of("2")} == {480}
