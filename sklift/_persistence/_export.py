"""A fitted classifier as a program of torch.export or ONNX, preprocessing included."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.fx import GraphModule

from .._classes._priors import adjust_logits, resolve_target_prior
from .._model._fold import folded
from .._model._tuned_model import TunedModel, _rebuild
from .._store._atomic import replace_file
from ..backbones import Preprocess
from ..images import FiveCrop, RandomCrops, TenCrop, resolve_reader, resolve_tta
from ._onnx import KEY, onnx_bytes
from ._save import versions

_MOST = 1 << 24  # bound of pictures, and of pixels of a side; torch 2.6 needs one


def write_program(est, path: str | os.PathLike) -> None:
    """Write the program and the labels into one file, completely or not at all.

    A file that ends with ``.onnx`` becomes a model of ONNX.

    Raises
    ------
    ImportError
        If the packages of ONNX are needed and not installed.
    ValueError
        If the estimator averages over random crops, or over views of user code.
    RuntimeError
        If the runtime of ONNX disagrees with torch.
    OSError
        If the file can't be written; an old one is still there.
    """
    info = {
        "classes": est.classes_.tolist(),
        "class_names": est.class_names_,
        "versions": versions(),
    }
    if not est.model_.backbone.is_empty:
        reader = resolve_reader(est.reader)
        names = ("value_range", "channels", "frame")
        info["reader"] = {name: getattr(reader, name) for name in names}
    text = json.dumps(info, default=str)  # default: dates, for instance
    program = _program(est)
    if Path(path).suffix.lower() == ".onnx":
        replace_file(path, onnx_bytes(program, text, _trial(est.model_)))
        return
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={KEY: text})
    replace_file(path, buffer.getvalue())


def _trial(model: TunedModel) -> Tensor:
    """Three inputs of a program, which are not those of its example."""
    draws = torch.Generator().manual_seed(0)
    if model.backbone.is_empty:
        return torch.randn(3, model.backbone.n_features, generator=draws, dtype=model.mean.dtype)
    side = model.backbone.preprocess.size
    shape = (3, 3, side + 31, 2 * side)
    return torch.randint(0, 256, shape, generator=draws, dtype=torch.uint8)


def _program(est) -> torch.export.ExportedProgram:
    tta = resolve_tta(est.tta)
    if type(tta) not in _CROPS:
        why = "random crops, which a program can't draw"
        if not isinstance(tta, RandomCrops):
            why = "views of your own code, which a program can't run"
        raise ValueError(
            f"tta={est.tta} averages over {why}: set tta to None, 'fivecrop' or 'tencrop' before "
            "the export"
        )
    framing = resolve_reader(est.reader).framing
    if framing != "crop" and not est.model_.backbone.is_empty:
        raise ValueError(
            f"the program gets pictures as they are, and can't do what reader__framing={framing!r} "
            "did in training: make them square before, and set reader__framing='crop' to export"
        )
    model = _on_cpu(est.model_)
    n = Dim("n", min=1, max=_MOST)
    if model.backbone.is_empty:
        example = torch.zeros(2, model.backbone.n_features, dtype=model.mean.dtype)
        views, sizes = nn.Identity(), {0: n}
    else:
        views = Views(model.backbone.preprocess, tta)
        # Sides without a common factor: the program must not specialise on a relation of them.
        example = torch.zeros(2, 3, 67, 53, dtype=torch.uint8)
        sizes = {0: n, 2: Dim("h", min=2, max=_MOST), 3: Dim("w", min=2, max=_MOST)}
    predictor = Predictor(views, model, _shift(est)).eval()
    with torch.no_grad():
        program = torch.export.export(predictor, (example,), dynamic_shapes=(sizes,), strict=False)
    for module in program.graph_module.modules():
        if isinstance(module, GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)  # it names folders of this machine
            module.graph.eliminate_dead_code()  # torch 2.6 can't read all of it back
            module.recompile()
    return program


def _on_cpu(model: TunedModel) -> TunedModel:
    """A folded copy of the model on the CPU, with its own trained tensors."""
    state, dtype = model.trained_state(), model.mean.dtype
    recipes = (model.adapter, model.head_recipe)
    backbone = model.backbone
    twin = _rebuild(
        backbone.spec, backbone.checksum, *recipes, model.n_classes, state, "cpu", dtype
    )
    return folded(twin.requires_grad_(False))


def _shift(est) -> Tensor:
    """Shift of the logits for the target prior, of shape (1, n_classes)."""
    zeros = np.zeros((1, len(est.classes_)), np.float64)
    target = resolve_target_prior(est.target_prior, est.classes_, est.class_prior_)
    shift = zeros if target is None else adjust_logits(zeros, est.implied_prior_, target)
    return torch.from_numpy(shift)


class Predictor(nn.Module):
    """Map from pictures, or rows of features, to probabilities.

    Parameters
    ----------
    views : nn.Module
        The map from pictures to the input of the model.
    model : TunedModel
        The model, which gives logits.
    shift : tensor of shape (1, n_classes)
        The shift that is added to the logits.
    """

    def __init__(self, views: nn.Module, model: TunedModel, shift: Tensor):
        super().__init__()
        self.views = views
        self.model = model
        self.register_buffer("shift", shift.to(model.mean.dtype))

    def forward(self, pictures: Tensor) -> Tensor:
        """Probabilities: (n, 3, h, w) uint8, or (n, n_features) -> (n, n_classes)."""
        views = self.views(pictures)
        # No ``model.forward``: a new process with torch 2.6 can't read its autocast.
        features = self.model.features(views.flatten(0, -4) if views.ndim == 5 else views)
        logits = self.model.head(features)
        if views.ndim == 5:
            logits = logits.unflatten(0, views.shape[:2]).mean(1)
        return (logits + self.shift).softmax(1)


class Views(nn.Module):
    """Map from pictures of any size to the test views that :mod:`sklift.images` cuts.

    Resizing and cropping are linear in the rows and in the columns: two products with matrices,
    whose entries depend on the size. A program can do this for all sizes, without branches.

    Parameters
    ----------
    preprocess : Preprocess
        Side of a view, and the interpolation of pixels.
    tta : FiveCrop, TenCrop or None
        The recipe of five views, of ten, or None for one view.
    """

    def __init__(self, preprocess: Preprocess, tta: FiveCrop | None):
        super().__init__()
        self.size = preprocess.size
        self.short = self.size + (self.size // 7 if tta is None else int(tta.expand))
        self.interpolation = preprocess.interpolation
        self.crops = _CROPS[type(tta)]

    def forward(self, pictures: Tensor) -> Tensor:
        """Test views: (n, 3, h, w) uint8 -> (n, n_views, 3, size, size) uint8."""
        sides = [torch.full((), n, device=pictures.device) for n in pictures.shape[2:]]
        shorter = torch.minimum(*sides)
        rows, columns = (self._matrices(pictures.shape[2 + i], sides[i], shorter) for i in (0, 1))
        top, left, mirrored = self.crops
        rows = torch.stack([rows[i] for i in top])
        columns = [columns[i] for i in left] + [columns[i].flip(0) for i in mirrored]
        # Rounded after each step, as in the resizing of integer pixels.
        across = _as_pixels(torch.einsum("nchw,vjw->vnchj", pictures.float(), torch.stack(columns)))
        views = _as_pixels(torch.einsum("vih,vnchj->nvcij", rows, across))
        return views.to(torch.uint8)

    def _matrices(self, n: int, side: Tensor, shorter: Tensor) -> Tensor:
        """Matrices (4, size, n) of the first, last, middle and mirrored middle crop."""
        kept = torch.minimum(side, 8 * shorter)  # only the middle of a very long picture
        before = (side - kept) // 2
        resized = self.short * kept // shorter
        extra = resized - self.size
        middle = (extra + extra // 2 % 2) // 2  # half of it, rounded to even
        start = torch.stack([torch.zeros_like(extra), extra, middle, extra - middle])[:, None]
        wanted = (start + torch.arange(self.size, device=side.device))[..., None]
        pixel = torch.arange(n, device=side.device)
        if self.interpolation == "nearest":
            return (pixel == before + (wanted * (kept / resized)).floor()).float()
        scale = kept.double() / resized
        distance = (pixel + 0.5 - before - (wanted + 0.5) * scale).abs() / scale.clamp_min(1)
        weight = _KERNELS[self.interpolation](distance)
        weight = weight * ((pixel >= before) & (pixel < before + kept))
        return (weight / weight.sum(-1, keepdim=True)).float()


# For each view: the numbers of its crops of rows, of columns, and of mirrored columns.
_CROPS = {
    type(None): ([2], [2], []),
    FiveCrop: ([0, 0, 1, 1, 2], [0, 1, 0, 1, 2], []),
    TenCrop: ([0, 0, 1, 1, 2] * 2, [0, 1, 0, 1, 2], [1, 0, 1, 0, 3]),
}


def _as_pixels(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255)


def _bilinear(x: Tensor) -> Tensor:
    return (1 - x).clamp_min(0)


def _bicubic(x: Tensor) -> Tensor:
    """Keys' kernel with a = -1/2, which Pillow and torch use with antialiasing."""
    inner = (1.5 * x - 2.5) * x * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, inner, torch.where(x < 2, outer, torch.zeros_like(x)))


_KERNELS = {"bilinear": _bilinear, "bicubic": _bicubic}
