"""Studies: which cells a table has, and what an ablation changes."""

from dataclasses import replace

import pytest

from wdlib.data import load
from wdlib.data.split import check_labels, split
from wdlib.experiments.ablations import ABLATIONS, FAITHFUL
from wdlib.experiments.studies import COUNTS, TASKS_OF_TABLE_1, cells_of
from wdlib.methods import METHODS
from wdlib.tasks import task
from wdlib.training import COURSE, FEW, FitRequest


def test_table_1_is_modular_at_the_length_of_each_task():
    *ours, paper = cells_of("1", seeds=[0])
    assert (paper.method, paper.seconds) == ("modular-paper", 3600)
    steps = {c.task: c.steps for c in ours}
    assert len(steps) == 6 and steps["dSprites.v3"] == COURSE.steps
    assert steps["dSprites.v2"] < COURSE.steps < steps["dSprites.v4"]
    assert {c.seconds for c in cells_of("1", seconds=60)} == {None, 60}
    (long,) = cells_of("long", seeds=[0])
    assert long.steps > steps["dSprites.v4"] and len(cells_of("1")) == 6 * 3 + 1


def test_table_2_has_every_method_seed_and_task_under_one_budget():
    cells = cells_of("2", seconds=60)
    assert len(cells) == len(set(cells)) == len(METHODS) * 2 * 3
    assert {c.seconds for c in cells} == {60.0} and {c.labels for c in cells} == {1000}
    assert {c.method for c in cells} == set(METHODS)
    assert {c.task for c in cells[:2]} == {"dSprites.v3", "Shapes3D.v3"}
    assert {c.method for c in cells_of("2", methods=["fader"])} == {"fader"}
    assert {c.task for c in cells_of("2", tasks=["dsprites.v2"])} == {"dSprites.v2"}
    assert {c.seconds for c in cells_of("pace")} == {240} and len(cells_of("pace")) == 28


def test_few_labels_are_studied_on_three_tasks():
    labels = cells_of("labels")
    assert {(c.task, c.seed) for c in labels} == {
        *(("dSprites.v2", seed) for seed in (0, 1, 2)), ("dSprites.v4", 0), ("Shapes3D.v5", 0),
        ("dSprites.v4", 1)
    }  # fmt: skip
    assert len(labels) == (3 * 5 + 3) * (3 + 1 + 1)
    assert {c.labels for c in labels} == set(COUNTS)
    assert [c.labels for c in labels if (c.task, c.seed) == ("dSprites.v4", 1)] == [50] * 4
    with pytest.raises(ValueError, match="none of the 50 labelled images has orientation"):
        check_labels(split(task("dSprites.v4"), seed=0, labels=50))
    for cell in labels:
        preset = FEW if cell.method == "few" else COURSE
        assert cell.steps == preset.for_task(cell.task).steps


def test_nothing_roams_if_combinations_are_unseen():
    cells = cells_of("unseen", seeds=[0])
    assert {c.unseen for c in cells} == {0.2} and len(cells) == 6
    assert sorted(c.seed for c in cells_of("unseen") if c.task == "dSprites.v2") == [*range(10)]
    assert len(cells_of("unseen")) == 5 * 3 + 10
    roam = {c.task for c in cells if c.method == "no-roaming"}
    assert roam == {t for t in TASKS_OF_TABLE_1
                    if any(p.views.roam for p in COURSE.for_task(t).phases)}  # fmt: skip


def test_replications_take_the_published_steps():
    runs = cells_of("published")
    assert [(c.task, c.method, c.steps) for c in runs] == [
        ("dSprites.all", "beta_tcvae-published", 300_000),
        ("dSprites.all", "few_label-published", 300_000),
        ("Shapes3D.hues", "zerodim-published", 300 * 28_000 // 128),
    ]
    assert {(c.seconds, c.steps) for c in cells_of("published", seconds=3600)} == {(3600, None)}
    assert cells_of("published", methods=[runs[2].method]) == runs[2:]


def test_an_ablation_has_at_most_ten_lines_and_the_steps_of_modular():
    cells = cells_of("ablations", seeds=[0])
    for where in ("dSprites.v2", "dSprites.v4", "Shapes3D.v3"):
        steps = [c.steps for c in cells if c.task == where]
        assert len(steps) <= 10 and set(steps) == {COURSE.for_task(where).steps}


@pytest.mark.parametrize(
    ("study", "asked", "words"),
    [
        ("labels", {"methods": ["fader"]}, "no method 'fader'"),
        ("1", {"methods": ["modular", "fader"]}, "no method 'fader'"),
        ("ablations", {"methods": ["no-cycles"]}, "did you mean no-cycle"),
        ("published", {"methods": ["zerodim"]}, "did you mean zerodim-published"),
        ("published", {"tasks": ["dSprites.v2"]}, "has no cells of tasks"),
        ("labels", {"seconds": 60}, "its budget in steps"),
        ("2", {"tasks": ["dSprites.v9"]}, "dSprites.v9"),
    ],
)
def test_what_a_study_does_not_have_is_refused(study, asked, words):
    with pytest.raises(ValueError, match=words):
        cells_of(study, **asked)


@pytest.mark.parametrize("where", ["dSprites.v2", "dSprites.v4", "Shapes3D.v3"])
def test_every_ablation_differs_from_what_it_is_taken_from(where):
    presets = {name: one.settings(where) for name, one in ABLATIONS.items()}
    ours, faithful = COURSE.for_task(where), FAITHFUL.for_task(where)
    assert presets.pop("modular") == ours and presets.pop("paper") == faithful
    assert presets.pop("few") == FEW.for_task(where)
    assert presets.pop("alone").phases == ours.phases
    assert (presets.pop("no-roaming") == ours) == (where != "dSprites.v4")
    for name, preset in presets.items():
        assert preset != (faithful if name.startswith("paper") else ours), name
    first, leading = faithful.phases[0], presets["paper+leading-labels"].phases[0]
    assert first.weight("reconstruction") <= 1 / 64 and leading.weight("labels") == 1
    for name, losses in (
        ("no-pseudo-labels", "pseudo teacher"),
        ("no-cycle", "cycle"),
        ("no-labels", "labels pseudo teacher"),
        ("no-adversary", "adversarial"),
    ):
        assert not any(p.weight(loss) for p in presets[name].phases for loss in losses.split())
    assert not any(p.views.shift or p.views.roam for p in presets["no-shifts"].phases)
    assert not any(p.finish for p in presets["no-finish"].phases)
    assert all(phase.is_published and not phase.refit_every for phase in FAITHFUL.phases)


def test_modular_on_labelled_images_alone_sees_no_others():
    parts = split(task("dSprites.v2"), seed=0, labels=120, limit=1000)
    method = ABLATIONS["alone"]
    request = FitRequest(parts, load("dsprites"), labels=60, seed=0, steps=len(COURSE.phases))
    model = method.fit(request)
    few = parts.labelled[:60]
    assert model.record["split"] == replace(parts, train=few, labelled=few).record
    assert method.recipe("dSprites.v2") != METHODS["modular"].recipe("dSprites.v2")
