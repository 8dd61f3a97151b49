"""The recipe of a computation: precision, workers, parts of batches, and caches."""

from __future__ import annotations

from numbers import Integral, Real

from sklearn.base import BaseEstimator

from .._compute._device import PRECISIONS, resolve_device, resolve_precision
from .._compute._plan import ComputePlan
from .._compute._product_speed import WIDTH, product_speeds
from .._core._recipes import resolve
from .._core._sklearn import Interval, StrOptions, validate_params
from .._store._cache import resolve_cache

__all__ = ["COMPUTES", "Compute", "resolve_compute"]


class Compute(BaseEstimator):
    """Precision, worker processes, parts of a batch, and caches.

    Except for rounding, and for a fit that has too little time, these settings do not change the
    trained model.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        The precision of matrix products. ``"auto"``: bfloat16 where the device is faster in it,
        else float32; precomputed features keep their own. On a CPU that has instructions for
        bfloat16 but no matrix unit, the first fit times both for some 0.2 seconds, and takes
        bfloat16 if it is at least 1.25 times as fast. The fitted attribute ``precision_`` says what
        was taken; predictions keep to it. float32 is rounded as such, whatever
        ``torch.set_float32_matmul_precision`` says.
    num_workers : int, default=0
        Processes that prepare batches. With 0, threads of this process decode files.
    cache : {"auto", False} or path, default="auto"
        The place of decoded pictures, features of the frozen tower, and tokens of frozen blocks,
        for later epochs, folds and candidates. ``"auto"``: memory, which all estimators of the
        process share (up to 1 GiB of pictures, 256 MiB of features, and 1 GiB of tokens for the
        present fit plus 1 GiB for earlier ones). A folder: files in it, which several processes may
        share (up to 16 GiB of pictures, 8 GiB of features and 16 GiB of tokens). ``False``: nothing
        is kept after a call. A file that has changed is read again.
    accumulate : int, default=1
        The least number of parts in which the gradient of a batch is computed: the same result in
        less memory. On CPUs, if the loss is a mean over pictures, parts of more than 8 views of
        224 px are always split, which costs no time.
    recompute : bool, default=False
        Whether transformer blocks compute their activations again in the backward pass instead of
        keeping them (activation checkpointing): the same result in much less memory, but about a
        third more time.
    compile : bool, default=False
        Whether ``torch.compile`` compiles the blocks for training. This is a tenth to a sixth
        faster on a CPU, after some 20 seconds of compilation (minutes for towers that are not
        transformers), and rounds differently. Predictions are not compiled.
    time_limit : float or None, default=None
        Seconds for ``fit``, > 0. If the epochs do not fit, fewer are trained, with a schedule of
        the learning rate for their number; if not even one does, training ends within it. Fewer
        than five, or a part of one, give a warning. At least one batch is trained, and what is
        computed once before training (features of a frozen tower) or after an epoch (the
        validation loss) is not cut short. How much is trained depends on the speed of the machine,
        and so does the model, whatever ``random_state`` is. Not together with ``checkpoint``, and
        not for ``partial_fit``.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.training import Compute
    >>> LiftClassifier(compute=Compute(precision="float32", num_workers=4)).compute
    Compute(num_workers=4, precision='float32')
    >>> LiftClassifier().set_params(compute__precision="float32").compute
    Compute(precision='float32')
    """

    _parameter_constraints = {
        "precision": [StrOptions(set(PRECISIONS))],
        "num_workers": [Interval(Integral, 0, None, closed="left")],
        "cache": "no_validation",
        "accumulate": [Interval(Integral, 1, None, closed="left")],
        "recompute": ["boolean"],
        "compile": ["boolean"],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        precision="auto",
        num_workers=0,
        cache="auto",
        accumulate=1,
        recompute=False,
        compile=False,
        time_limit=None,
    ) -> None:
        self.precision = precision
        self.num_workers = num_workers
        self.cache = cache
        self.accumulate = accumulate
        self.recompute = recompute
        self.compile = compile
        self.time_limit = time_limit

    def build(self, device="auto", batch_size: int = 128, dtype=None, width: int = WIDTH):
        """Resolve the settings on a device of this machine.

        Parameters
        ----------
        device : str or torch.device, default="auto"
            The device.
        batch_size : int, default=128
            Number of pictures in a batch.
        dtype : torch.dtype, optional
            The dtype of precomputed features, which ``precision="auto"`` keeps.
        width : int, default=768
            The width of the tower's blocks: products of it are timed where ``precision="auto"`` has
            to be measured.

        Returns
        -------
        plan : ComputePlan

        Raises
        ------
        TypeError, ValueError
            If a setting is unknown, out of range, or not available on the device.
        """
        validate_params(self)
        device = resolve_device(device)
        cache = resolve_cache(self.cache)
        if self.precision == "auto" and dtype is not None:
            precision = dtype
        else:
            precision = resolve_precision(
                self.precision,
                device,
                lambda: product_speeds(width, cache.speeds).prefers_bfloat16,
            )
        return ComputePlan(
            device=device,
            precision=precision,
            batch_size=int(batch_size),
            num_workers=int(self.num_workers),
            cache=cache,
            accumulate=int(self.accumulate),
            recompute=bool(self.recompute),
            compile=bool(self.compile),
            time_limit=None if self.time_limit is None else float(self.time_limit),
        )

    def check(self) -> None:
        """Raise an error for a setting of a wrong type, or out of range."""
        validate_params(self)
        resolve_cache(self.cache)


COMPUTES = {"auto": Compute}


def resolve_compute(value) -> Compute:
    """Return the recipe of a computation that ``value`` names or is.

    Examples
    --------
    >>> from sklift.training import resolve_compute
    >>> resolve_compute("auto")
    Compute()
    """
    return resolve(value, COMPUTES, "compute")
