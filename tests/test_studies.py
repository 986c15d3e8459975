"""Studies: which cells a table has, and what an ablation changes."""

from dataclasses import replace

import pytest

from wdlib.data import load
from wdlib.data.split import check_labels, split
from wdlib.experiments.ablations import ABLATIONS, BATCH_128, FAITHFUL, FEWER, NO_VIEWS
from wdlib.experiments.replications import RUNS
from wdlib.experiments.studies import COUNTS, NO_ROAMING, TASKS_OF_TABLE_1, cells_of
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


def test_a_method_of_your_own_is_timed():
    own = METHODS | {"own": METHODS["fader"]}
    cells = cells_of("2", methods=["own"], known=own)
    assert len(cells) == 6 and {c.seconds for c in cells} == {480}
    other = METHODS | {"fader": METHODS["zerodim"]}  # the name alone doesn't give the pace
    assert {c.seconds for c in cells_of("2", methods=["fader"], known=other)} == {480}


def test_few_labels_are_studied_on_three_tasks():
    labels = cells_of("labels")
    assert {(c.task, c.seed) for c in labels} == {
        *(("dSprites.v2", seed) for seed in (0, 1, 2)), ("dSprites.v4", 0), ("Shapes3D.v5", 0),
        ("dSprites.v4", 1)
    }  # fmt: skip
    runs = 3 + 1 + 1  # seeds of dSprites.v2, and the two large tasks; eight recipes aren't on v4
    assert len(labels) == (4 * 5 + 3) * runs + 8 * 2 * (runs - 1)
    assert {c.labels for c in labels} == set(COUNTS)
    assert [c.labels for c in labels if (c.task, c.seed) == ("dSprites.v4", 1)] == [50] * 5
    with pytest.raises(ValueError, match="none of the 50 labelled images has orientation"):
        check_labels(split(task("dSprites.v4"), seed=0, labels=50))
    for cell in labels:
        longer = cell.method.startswith("few") or cell.method == "longer"
        assert cell.steps == (FEW if longer else COURSE).for_task(cell.task).steps
    assert FEWER.keys() < {c.method for c in labels}


def test_nothing_roams_if_combinations_are_unseen():
    cells = cells_of("unseen", seeds=[0])
    assert {c.unseen for c in cells} == {0.2} and len(cells) == 6
    assert sorted(c.seed for c in cells_of("unseen") if c.task == "dSprites.v2") == [*range(10)]
    assert len(cells_of("unseen")) == 5 * 3 + 10
    roam = {c.task for c in cells if c.method == NO_ROAMING}
    assert roam == {t for t in TASKS_OF_TABLE_1
                    if any(p.views.roam for p in COURSE.for_task(t).phases)}  # fmt: skip


def test_replications_take_the_published_steps():
    runs = cells_of("published")
    assert [(c.task, c.method, c.steps) for c in runs] == list(RUNS)
    assert {(c.seconds, c.steps) for c in cells_of("published", seconds=3600)} == {(3600, None)}
    assert cells_of("published", methods=[runs[2].method]) == runs[2:]


def test_an_ablation_is_run_where_it_changes_something():
    cells = cells_of("ablations", seeds=[0], tasks=["dSprites.v2"])
    assert [c.method for c in cells] == [n for n in ABLATIONS if n != NO_ROAMING]
    cells = cells_of("ablations", seeds=[0], tasks=["dSprites.v4"])
    whole = COURSE.for_task("dSprites.v4").steps
    steps = dict.fromkeys(ABLATIONS, whole) | {BATCH_128: whole // 2}
    assert {c.method: c.steps for c in cells} == steps
    cells = cells_of("ablations", seeds=[0], tasks=["Shapes3D.v3"])
    assert [c.method for c in cells] == [n for n in ABLATIONS if "roaming" not in n]


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
    assert presets["modular"] == ours and presets["paper"] == faithful
    for name, preset in presets.items():
        base = faithful if name.startswith("paper") else ours
        same = name in ("modular", "paper") or (name == NO_ROAMING and where != "dSprites.v4")
        assert (preset == base) == same, name
    first, *_, last = presets["paper+finish"].phases  # each keeps the weights of its recipe
    assert first == faithful.phases[0] and first.weight("reconstruction") <= 1 / 64
    assert last == replace(COURSE.phases[-1], steps=3000)
    *_, bare = presets["paper+bare-finish"].phases
    assert not (bare.finish.code_noise or bare.finish.swap or bare.weight("recomposition"))
    labels, leading = (presets[f"paper+{k}"].phases[0] for k in ("labels", "leading-labels"))
    assert labels.weight("labels") == first.weight("reconstruction") < leading.weight("labels") == 1
    for wide, plain in zip(presets[BATCH_128].phases, ours.phases, strict=True):
        assert (wide.batch, wide.steps) == (2 * plain.batch, plain.steps)
        assert wide.rates.autoencoder**2 == pytest.approx(2 * plain.rates.autoencoder**2)
    assert all(phase.is_published and not phase.refit_every for phase in FAITHFUL.phases)


def test_few_without_a_part_lacks_that_part():
    presets = {name: one.settings("dSprites.v4") for name, one in FEWER.items()}
    few, course = FEW.for_task("dSprites.v4"), COURSE.for_task("dSprites.v4")
    assert presets.pop("few") == few
    assert presets.pop("longer").phases == course.phases
    assert presets.pop("alone").phases == course.phases
    for phase in presets.pop(NO_VIEWS).phases:
        assert not (phase.weight("pseudo") or phase.weight("teacher"))
        assert not (phase.views.shift or phase.views.roam)
    for preset in presets.values():
        assert preset != few and [p.steps for p in preset.phases] == [p.steps for p in few.phases]
        assert preset.phases[-1].weight("recomposition") == few.phases[-1].weight("recomposition")
    without = presets["few-no-pseudo-labels"].phases
    assert not any(p.weight("teacher") or p.labels.balanced for p in without)
    assert all(
        (p.weight("teacher"), p.labels.balanced) == (q.weight("teacher"), 0)
        for p, q in zip(presets["few-no-balance"].phases, few.phases, strict=True)
    )
    late = presets["few-no-early-cycle"].phases
    assert [p.weight("cycle") for p in late if p.prior == "normal"] == [0.0] * 5
    assert late[-2].weight("cycle") == COURSE.phases[1].weight("cycle")


def test_modular_on_labelled_images_alone_sees_no_others():
    parts = split(task("dSprites.v2"), seed=0, labels=120, limit=1000)
    method = FEWER["alone"]
    request = FitRequest(parts, load("dsprites"), labels=60, seed=0, steps=len(COURSE.phases))
    model = method.fit(request)
    few = parts.labelled[:60]
    assert model.record["split"] == replace(parts, train=few, labelled=few).record
    assert method.recipe("dSprites.v2") != METHODS["modular"].recipe("dSprites.v2")
