"""Deployment: a trained model as two networks for torch.export and ONNX, which run without wdlib.

For example::

    folder = export_onnx(wdlib.load_pretrained("dSprites.v2"), "deployed")

    # From here on, ONNX Runtime and numpy are enough. images: float32 [B, 1, 64, 64] in [0, 1]
    names = json.loads((folder / "names.json").read_text())
    reader = onnxruntime.InferenceSession(folder / "read.onnx")
    values, confidences = reader.run(None, {"images": images})
    print([names["factors"]["shape"][value] for value in values[:, 0]])
    mover = onnxruntime.InferenceSession(folder / "move.onnx")
    relations = numpy.full(len(images), names["relations"].index("right"))
    (moved,) = mover.run(None, {"images": images, "relations": relations})
"""

from __future__ import annotations

import copy
import json
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from wdlib.files import whole
from wdlib.model.modular import TEMPERATURE, ModularModel

EXAMPLES = 3  # images in the batch that is traced; any number can be given afterwards


class Reader(nn.Module):
    """What a model reads: values and confidences of images.

    The weights are copies on the CPU, in eval mode. Cholesky factors are inverted once, because
    ONNX has no operator that solves triangular systems.
    """

    def __init__(self, model: ModularModel):
        super().__init__()
        self.autoencoder, prior = _copied(model.autoencoder), _copied(model.prior)
        self.autoencoder.decoder = nn.Identity()
        tril = prior.scale_tril.double()
        inverse = torch.linalg.solve_triangular(tril, torch.eye(prior.dim).to(tril), upper=False)
        log = -tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # [n, K], up to a constant
        log = log + prior.log_weight if prior.weighted else log
        self.register_buffer("mean", prior.mean)
        self.register_buffer("inverse", inverse.float())
        self.register_buffer("log", log.masked_fill(~prior.exists, -torch.inf).float())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [B, C, H, W], float in [0, 1] -> values [B, n] int64 and confidences [B, n], the
        probability of the value among the components of its partition."""
        away = self.autoencoder.encode(images)[:, :, None] - self.mean  # [B, n, K, d]
        white = (self.inverse @ away[..., None])[..., 0]
        density = self.log - 0.5 * white.square().sum(-1)
        confidences, values = (TEMPERATURE * density).softmax(-1).max(-1)
        return values, confidences


class Mover(nn.Module):
    """Encode, move by one learned relation, decode. The weights are copies, as in ``Reader``."""

    def __init__(self, model: ModularModel):
        super().__init__()
        self.autoencoder, self.learner = _copied(model.autoencoder), _copied(model.learner)

    def forward(self, images: Tensor, relations: Tensor) -> Tensor:
        """Images [B, C, H, W], float in [0, 1], and the places of their relations in
        ``model.relations``, [B] int64 -> moved images [B, C, H, W] in [0, 1]."""
        codes = self.learner(self.autoencoder.encode(images), relations)
        return self.autoencoder.decode(codes).sigmoid()


def programs(model: ModularModel) -> dict[str, torch.export.ExportedProgram]:
    """``Reader`` and ``Mover`` by torch.export, as "read" and "move"; any batch size fits.

    ``torch.export.save`` keeps a program in a file.
    """
    codes = torch.zeros(EXAMPLES, len(model.partitions), model.config.dim)
    images, relations = model.decode(codes).cpu(), torch.zeros(EXAMPLES, dtype=torch.long)
    batch = {0: torch.export.Dim("batch")}
    inputs = {"read": (Reader(model), (images,)), "move": (Mover(model), (images, relations))}
    return {
        name: torch.export.export(network, given, dynamic_shapes=(batch,) * len(given))
        for name, (network, given) in inputs.items()
    }


def export_onnx(model: ModularModel, folder: Path | str) -> Path:
    """Write read.onnx, move.onnx and names.json into ``folder``, and return the folder.

    names.json holds the shape [C, H, W] of an image, the names of each factor's values, and those
    of the relations, in the order of their numbers. Inputs and outputs are called as in the example
    above. Raises ModuleNotFoundError where the packages of the extra "onnx" are not installed.
    """
    if find_spec("onnxscript") is None:
        raise ModuleNotFoundError("ONNX needs more packages: pip install 'wdlib[onnx]'")
    found, files = programs(model), {}
    outputs = {"read": ["values", "confidences"], "move": ["moved"]}
    for name, program in found.items():
        inputs = ["images", "relations"][: len(program.example_inputs[0])]
        how = {"input_names": inputs, "output_names": outputs[name]}
        made = torch.onnx.export(program, **how, dynamo=True, verbose=False)
        files[f"{name}.onnx"] = made.model_proto.SerializeToString()
    names = {
        "image": list(found["read"].example_inputs[0][0].shape[1:]),
        "factors": {factor.name: factor.value_names for factor in model.task.factors},
        "relations": [relation.name for relation in model.relations],
    }
    files["names.json"] = json.dumps(names, indent=1).encode()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        with whole(folder / name) as file:
            file.write(data)
    return folder


def _copied(network: nn.Module) -> nn.Module:
    plain = {"memory_format": torch.contiguous_format}  # other formats are a training matter
    return copy.deepcopy(network).to("cpu", **plain).eval().requires_grad_(False)
