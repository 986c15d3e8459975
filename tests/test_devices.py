"""Everything runs on the device of the request: on a CPU, and on a GPU where there is one.

What other files test on a CPU is tested here on a GPU only.
"""

from dataclasses import replace

import pytest
import torch

from wdlib import load_pretrained
from wdlib.data import device_images, load, to_float
from wdlib.data.split import split
from wdlib.evaluation import evaluate
from wdlib.experiments.cells import Cell, evaluate_cell
from wdlib.methods import METHODS
from wdlib.metrics.judge import train_judge
from wdlib.model.loading import load_model
from wdlib.tasks import task
from wdlib.training import COURSE, PAPER, FitRequest, Trainer

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=GPU)]
TASK, IMAGES = task("dSprites.v2"), load("dsprites")
PARTS = split(TASK, seed=0, labels=200, limit=600)


def tiny(preset, **fields):
    """Six steps per phase, on few images."""
    small = {"labels": {"batch": 16}, "relations": {"batch": 16}}
    short = preset.changed(steps=6, epochs=0, batch=16, **small, **fields)
    return replace(short, lengths={}, changes={})


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("preset", [COURSE, PAPER], ids=lambda preset: preset.name)
def test_a_run_that_was_interrupted_ends_as_if_it_had_not_been(preset, device, tmp_path):
    first = Trainer(PARTS, IMAGES, tiny(preset), seed=1, device=device)
    first.run(8, folder=tmp_path)
    first.run()
    second = Trainer(PARTS, IMAGES, tiny(preset), seed=2, device=device)
    with pytest.raises(ValueError, match="seed"):
        second.resume(tmp_path)
    third = Trainer(PARTS, IMAGES, tiny(preset), seed=1, device=device)
    third.resume(tmp_path)
    third.run()
    assert {t.device.type for t in third.model.state_dict().values()} == {device}
    for name, tensor in first.model.state_dict().items():
        found = third.model.state_dict()[name]
        torch.testing.assert_close(found, tensor, atol=2e-3, rtol=1e-2)


ON_A_DEVICE = {
    "trainer": lambda device: Trainer(PARTS, IMAGES, tiny(COURSE), device=device).device,
    "request": lambda device: FitRequest(PARTS, IMAGES, steps=1, device=device).device,
    "shipped": lambda device: load_pretrained("dSprites.v2", device=device).device,
    "judge": lambda device: next(train_judge(PARTS, IMAGES, steps=2, device=device).parameters()),
    "images": lambda device: device_images(IMAGES, TASK.classes([0]), device),
}


@pytest.mark.parametrize("make", ON_A_DEVICE.values(), ids=ON_A_DEVICE)
def test_every_door_knows_the_same_names_of_devices(make):
    for device in ("gpu", "meta", "cuda:99", None):
        with pytest.raises(ValueError, match=f"^the device '{device}' cannot be used: "):
            make(device)
    wanted = "cuda" if torch.cuda.is_available() else "cpu"
    made = make("auto")
    assert getattr(made, "device", made).type == wanted
    assert Cell("dSprites.v2", "modular", steps=1, device="auto").device == wanted


@pytest.mark.parametrize("device", DEVICES)
def test_a_model_is_read_on_another_device(device, tmp_path):
    trainer = Trainer(PARTS, IMAGES, tiny(COURSE), device=device)
    model = trainer.run()
    trainer.save_model(tmp_path)
    here = load_model(tmp_path, device="cpu")
    record = here.record
    assert record["training"]["device"] == device
    x = to_float(device_images(IMAGES, TASK.classes(PARTS.test)))
    z = model.encode(x)
    assert z.device.type == device
    torch.testing.assert_close(here.encode(x), z.cpu(), atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("device", DEVICES)
def test_half_the_precision_trains_as_well(device):
    trainer = Trainer(PARTS, IMAGES, tiny(COURSE), device=device, autocast=True)
    trainer.run()
    assert all(t.isfinite().all() for t in trainer.model.state_dict().values())


@GPU
@pytest.mark.parametrize("preset", [COURSE, PAPER], ids=lambda preset: preset.name)
def test_a_step_never_waits_for_the_gpu(preset):
    """In this mode the driver raises an error for every wait."""
    trainer = Trainer(PARTS, IMAGES, tiny(preset), device="cuda")
    for phase in trainer.preset.phases:
        trainer.begin(phase, phase)
        trainer.step(phase, 0, 0.0)
        torch.cuda.set_sync_debug_mode("error")
        try:
            for at in range(1, 5):
                trainer.step(phase, at, 0.5)
        finally:
            torch.cuda.set_sync_debug_mode("default")


@GPU
@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_fitted_and_measured_on_the_gpu(name):
    system = METHODS[name].fit(FitRequest(PARTS, IMAGES, steps=9, device="cuda"))
    judge = train_judge(PARTS, IMAGES, steps=2, device="cuda")
    report = evaluate(system, PARTS, IMAGES, judge, samples=20, metrics=("mig", "sap"), most=100)
    assert 0 <= report["judged_encoded"] <= 1 and 0 <= report["raw_mig"] <= 1


@GPU
def test_a_cell_is_measured_on_the_gpu(tmp_path):
    cell = Cell("dSprites.v2", "modular", labels=300, steps=9, device="cuda")
    rows = evaluate_cell(cell, tmp_path, limit=900, samples=50, most=300)
    assert {row["score"] for row in rows} >= {"judged_encoded", "mig", "fit_seconds"}


@pytest.mark.parametrize("device", DEVICES)
def test_shipped_weights_read_images_on_every_device(device):
    model = load_pretrained("dSprites.v4", device=device)
    parts = split(model.task, seed=0, limit=3000)
    x = to_float(device_images(IMAGES, model.task.classes(parts.test)))
    values = torch.from_numpy(model.task.labels(parts.test))
    right = (model.values(model.encode(x)).cpu() == values).all(1).float().mean()
    assert right >= 0.98
