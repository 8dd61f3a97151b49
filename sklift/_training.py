"""From validated input to a trained net, and from a net to logits."""

from __future__ import annotations

import math
from contextlib import contextmanager
from threading import Lock

import numpy as np
import torch
from torch.utils.data import Subset

from ._device import resolve_device, resolve_precision, worker_arguments
from ._head_start import head_rows, resolve_init
from ._model import TunedModel
from ._net import (
    OPTIMIZERS,
    CosineSchedule,
    EpochState,
    LiftNet,
    Progress,
    ShuffledLoader,
    predefined_split,
)
from .backbones import load_backbone
from .images._cache import CachedSource
from .images._dataset import TestViews, TrainViews
from .images._views import check_tta

_random_state = Lock()  # torch has one for all threads
_RESERVED = {"module", "criterion", "callbacks", "max_epochs", "device", "precision", "accumulate"}


def train(est, source, codes, sample_weight, recipes, seed) -> None:
    """Build the model, start its head, train it, and set the fitted attributes of ``est``."""
    device = resolve_device(est.device)
    precision = resolve_precision(est.precision, device)
    n_classes = len(est.classes_)
    source = CachedSource(source)
    arguments = net_arguments(est, device, precision, len(codes), seed)
    with seeded(seed, device):
        backbone = load_backbone(est.backbone, est.pretrained, est.backbone_params)
        size, interpolation = backbone.preprocess.size, backbone.preprocess.interpolation

        def views(augmentation):
            labelled = (source, codes, sample_weight, size, interpolation)
            return TrainViews(*labelled, augmentation, est.max_epochs, seed)

        check_tta(est.tta)
        dataset, used = views(est.augmentation), np.arange(len(codes))
        if arguments["train_split"]:
            # Held-out pictures are seen as in prediction, and no class prior counts them.
            dataset, held_out = arguments["train_split"](dataset, codes)
            if not (isinstance(dataset, Subset) and isinstance(held_out, Subset)):
                raise ValueError(
                    "train_split must split the training data in two subsets, as "
                    "skorch.dataset.ValidSplit does"
                )
            used = np.asarray(dataset.indices)
            arguments["train_split"] = predefined_split(Subset(views(None), held_out.indices))
        weight = None if sample_weight is None else sample_weight[used]
        counts = np.bincount(codes[used], minlength=n_classes)
        weighted = np.bincount(codes[used], weight, minlength=n_classes)
        init = resolve_init(est.init, backbone, est.class_names_, est.prompts)
        rows = head_rows(
            init,
            backbone,
            source,
            codes,
            used,
            est.classes_,
            names=est.class_names_,
            prompts=est.prompts,
            sample_weight=sample_weight,
            random_state=seed,
            device=device,
            precision=precision,
            batch_size=est.batch_size,
            num_workers=est.num_workers,
        )
    with seeded(seed, device):
        with _random_state:
            torch.manual_seed(seed)
            model = TunedModel(backbone, recipes["adapter"], recipes["head"], n_classes, device)
        if rows is not None:
            with torch.no_grad():
                model.head.weight.copy_(rows)
        criterion = recipes["loss"].build(weighted, recipes["head"])
        net = LiftNet(model, criterion, **arguments)
        net.fit(dataset)
    if "train_acc" not in net.history[-1]:  # skorch ends a fit quietly when it is interrupted
        raise KeyboardInterrupt
    est.class_counts_ = counts
    est.class_prior_ = weighted / weighted.sum()
    est.init_ = init
    est.adapter_, est.loss_, est.head_ = model.adapter, recipes["loss"], recipes["head"]
    est.net_ = net
    est.n_trainable_params_ = model.n_trainable_params
    est.history_ = [
        {key: float(row[key]) for key in ("train_loss", "lr", "train_acc", "dur")}
        for row in net.history
    ]


def net_arguments(est, device, precision, n_samples: int, seed: int) -> dict:
    """Keyword arguments of the net; the user's own come last."""
    by_name = isinstance(est.optimizer, str)
    optimizer = OPTIMIZERS[est.optimizer] if by_name else est.optimizer
    callbacks = [
        ("epoch_state", EpochState()),
        ("schedule", CosineSchedule(est.max_epochs)),
        *_named(est.callbacks or ()),
    ]
    if est.verbose:
        n_batches = est.max_epochs * math.ceil(n_samples / est.batch_size)
        callbacks.append(("progress", Progress(n_batches)))
    arguments = {
        "precision": precision,
        "accumulate": est.accumulate,
        "device": str(device),
        "max_epochs": est.max_epochs,
        "batch_size": int(est.batch_size),
        "lr": est.lr,
        "optimizer": optimizer,
        "optimizer__weight_decay": est.weight_decay,
        "iterator_train": ShuffledLoader,
        "iterator_train__seed": seed,
        "iterator_valid": ShuffledLoader,
        "iterator_valid__seed": seed,
        "iterator_valid__shuffle": False,
        **{f"iterator_train__{k}": v for k, v in worker_arguments(est.num_workers).items()},
        **{f"iterator_valid__{k}": v for k, v in worker_arguments(est.num_workers).items()},
        "iterator_train__persistent_workers": est.num_workers > 0,
        "train_split": None,
        "callbacks": callbacks,
        "verbose": 0,
    }
    if est.optimizer == "sgd":
        arguments["optimizer__momentum"] = est.momentum
    own = est.net_params or {}
    if reserved := sorted(set(own) & _RESERVED):
        raise ValueError(
            f"net_params can't set {reserved}: they follow from the parameters of the estimator "
            f"itself"
        )
    return {**arguments, **own}


def logits(est, source) -> np.ndarray:
    """Logits ``(n, n_classes)`` float32 of a fitted estimator, streamed batch by batch."""
    net = est.net_
    net.batch_size = int(est.batch_size)
    preprocess = net.module_.backbone.preprocess
    views = TestViews(
        source, preprocess.size, preprocess.interpolation, est.tta, expand=est.tta_expand
    )
    return np.concatenate([batch.numpy() for batch in net.forward_iter(views)])


@contextmanager
def seeded(seed: int, device: torch.device):
    """Torch's global random state set to ``seed`` inside, and as before outside."""
    fork = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    with _random_state:
        fork.__enter__()
        torch.manual_seed(seed)
    try:
        yield
    finally:
        with _random_state:
            fork.__exit__(None, None, None)


def _named(callbacks) -> list:
    """Callbacks as (name, callback) pairs, as skorch wants them beside named ones."""
    return [c if isinstance(c, tuple) else (f"user_{i}", c) for i, c in enumerate(callbacks)]
