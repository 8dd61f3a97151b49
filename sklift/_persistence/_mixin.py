"""The methods ``save`` and ``load`` of the estimators."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._compute._isolation import isolated
from ._file_errors import file_errors


class InFile:
    """Mixin of estimators that can be saved in a file and loaded from it.

    A pickle of them also holds plain data only: neither the frozen backbone nor the training net.
    """

    @isolated
    def save(self, path: str | os.PathLike) -> None:
        """Save the fitted estimator in one file, which holds no code.

        The file has the safetensors format. It holds the parameters, the fitted attributes and the
        trained weights. It does not hold the frozen backbone, only its name or the settings of its
        recipe, and the checksum of its weights.
        A complete new file replaces the old one at the end: after a failure, the old one is there.

        Parameters
        ----------
        path : str or path
            The file, for instance ``"model.safetensors"``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If a parameter, a fitted attribute or a setting of a recipe is not plain data (numbers,
            text, arrays, containers of them, recipes). Then nothing is written. Where this can be
            seen before training, ``fit`` has warned.
        ValueError
            If classes, names and descriptions take more than 90 MB, or the labels more than 64 MiB
            of memory, each as much as the longest. Of this too, ``fit`` has warned.
        OSError
            If the file can't be written.

        Warns
        -----
        UserWarning
            If ``loss``, ``regularizer``, ``augmentation``, ``sampler``, ``optimizer``,
            ``net_params`` or
            ``random_state`` is not plain data, for instance a function. Predictions don't need
            them, so they are left out: in the loaded estimator they have their default values.
            Also if the backbone is a module of your own: give it to ``load`` again.

        See Also
        --------
        load : Load the file.

        Examples
        --------
        >>> import tempfile
        >>> from sklift import ZeroShotClassifier
        >>> clf = ZeroShotClassifier("emoji-tiny").fit(None, ["red square", "black cat"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf.save(f"{folder}/model.safetensors")
        ...     ZeroShotClassifier.load(f"{folder}/model.safetensors").classes_
        array(['black cat', 'red square'], dtype='<U10')
        """
        check_is_fitted(self)
        from ._file import write
        from ._save import encode_estimator

        write(path, *encode_estimator(self))

    def _warn_if_unsavable(self, classes, names) -> None:
        """Warn, before the work, that the estimator couldn't be saved after it."""
        from ._save import warn_if_unsavable

        warn_if_unsavable(self, classes, names)

    @classmethod
    @isolated
    def load(
        cls,
        path: str | os.PathLike,
        *,
        recipes: Iterable[type] = (),
        device: str | None = None,
        pretrained: str | os.PathLike | None = None,
        backbone: Any = None,
    ):
        """Load an estimator that :meth:`save` has written.

        The file holds no code, and can't make this method run any other code.

        Parameters
        ----------
        path : str or path
            The file.
        recipes : iterable of classes, default=()
            Your own classes of recipes (losses, heads, adapters, backbones, samplers, optimizers)
            that the estimator uses.
        device : str, optional
            The device to compute on from now on. By default the one in the parameter ``device``, or
            the CPU if this machine lacks it.
        pretrained : str or path, optional
            The new place of the backbone's weights, if they have been moved. They must be the same
            weights.
        backbone : str, recipe or nn.Module, optional
            The frozen tower to use instead of the one that the file names. It is needed for a
            module of your own, which no file can hold. It must be the same tower: its weights, its
            preprocessing and, for a tower of your own, its features of a picture are checked.

        Returns
        -------
        estimator : same class
            Fitted. On the same machine and with the same versions of the libraries, its
            predictions equal those of the saved one bit by bit.

        Raises
        ------
        ValueError
            If the file is damaged, has another or a newer format, or does not fit the class, the
            recipes or the backbone. The message names the file and the reason.
        OSError
            If the file can't be read. If the backbone's weights are not available, it is a
            ``ConnectionError``.

        Notes
        -----
        The checksum in the file shows accidental damage. It is not a signature: the author of a
        file chooses its weights, and the backbone that is loaded or downloaded for it.
        """
        recipes = list(recipes)
        if wrong := [recipe for recipe in recipes if not isinstance(recipe, type)]:
            raise TypeError(f"recipes must be classes, got {wrong[0]!r}")
        from ._file import read
        from ._load import rebuild

        content, tensors = read(path)
        with file_errors(path):
            return rebuild(cls, content, tensors, recipes, device, pretrained, backbone)

    @isolated
    def __getstate__(self):
        """State with plain data instead of the net, for pickle, joblib, skops and copies."""
        given: Any = super().__getstate__()
        state = dict(given)  # a copy, since ``given`` belongs to the estimator
        state.pop("net_", None)  # the training net: optimizer, callbacks, data loaders
        if "model_" not in state:
            return state
        from ._model_data import pack_model

        return {**state, "model_": pack_model(state["model_"])}

    @isolated
    def __setstate__(self, state):
        rest = {k: v for k, v in state.items() if k != "model_"}
        super().__setstate__(rest)  # type: ignore[misc]  # of scikit-learn's BaseEstimator
        if "model_" in state:
            from ._model_data import unpack_model

            recipes = (rest["adapter_"], rest["head_"])
            self.model_ = unpack_model(recipes, len(rest["classes_"]), state["model_"])
