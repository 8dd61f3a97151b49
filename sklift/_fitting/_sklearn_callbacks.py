"""Support of scikit-learn's callbacks (``set_callbacks``, since version 1.9)."""

from __future__ import annotations

from collections.abc import Callable

from .._core._sklearn import callback_context


class EpochTasks:
    """Reports to scikit-learn's callbacks the begin and end of ``fit`` and of its epochs."""

    def __init__(self, estimator, n_epochs: int, X, y, sample_weight):
        self.estimator = estimator
        self.data = {"X": X, "y": y}
        if sample_weight is not None:
            self.data["metadata"] = {"sample_weight": sample_weight}
        self.context = callback_context(estimator, n_epochs)

    def begin(self) -> None:
        """Report that ``fit`` begins."""
        if self.context is not None:
            self.context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def begin_epoch(self) -> None:
        """Report that an epoch begins."""
        if self.context is not None:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self, fitted: Callable[[], dict]) -> bool:
        """Report that an epoch ends. True: stop.

        ``fitted()`` gives the attributes so far; scikit-learn calls it where a callback asks.
        """
        if self.context is None:
            return False
        return self.epoch.call_on_fit_task_end(
            estimator=self.estimator, **self.data, reconstruction_attributes=fitted
        )

    def end(self, fitted: dict) -> None:
        """Report that ``fit`` ends."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator, **self.data, reconstruction_attributes=fitted
            )
