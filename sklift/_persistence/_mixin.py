"""The methods ``save`` and ``load`` of the estimators."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._compute._isolation import isolated
from ._naming import naming


class Persistent:
    """Mixin of the estimators that can be saved in a file and loaded from it.

    A pickle of them holds plain data as well, and never the frozen backbone nor the net that
    trained.
    """

    @isolated
    def save(self, path: str | os.PathLike) -> None:
        """Save the fitted estimator in one file, from which no code is ever run.

        It holds the parameters, the fitted attributes and the trained weights, in the safetensors
        format. The frozen backbone is not in it, only its name or the settings of its recipe, and
        the checksum of its weights.
        The file is written aside and put in place at the end: a failure leaves the old one.

        Parameters
        ----------
        path : str or path
            The file, for instance ``"model.safetensors"``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If there is nothing to save yet.
        TypeError
            If a parameter or fitted attribute, or a setting of a recipe, is no plain data (numbers,
            text, arrays, containers of them, recipes). Nothing is written then.
        OSError
            If the file can't be written.

        Warns
        -----
        UserWarning
            If ``loss``, ``regularizer``, ``augmentation``, ``sampler``, ``optimizer``,
            ``net_params`` or
            ``random_state`` is no plain data, a function for instance. Predictions don't need
            them, so they are left out: in the loaded estimator they have their default values.
            If the backbone is a module of your own, which has to be given to ``load`` again.

        See Also
        --------
        load : The way back.

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
        from ._save import describe

        write(path, *describe(self))

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

        No code in the file is run, and nothing in it can name code to run.

        Parameters
        ----------
        path : str or path
            The file.
        recipes : iterable of classes, default=()
            Your own classes of recipes (of losses, heads, adapters, backbones, samplers,
            optimizers) that the estimator uses.
        device : str, optional
            Where to compute from now on; by default where the parameter ``device`` says, or on
            the CPU if this machine has no such device.
        pretrained : str or path, optional
            Where the backbone's weights are now, if not where they were. They must be the same
            weights.
        backbone : str, recipe or nn.Module, optional
            The frozen tower to use in the place of what is written down, as for a module of your
            own, which no file can hold. It must be the same: its weights, what pictures it takes
            and, for a tower of your own, what it makes of a picture are checked.

        Returns
        -------
        estimator : same class
            Fitted. On the same machine and with the same versions of the libraries, its
            predictions equal those of the saved one bit by bit.

        Raises
        ------
        ValueError
            If the file is damaged, of another kind, of a newer format, or does not fit the class,
            the recipes or the backbone; the message names the file and the reason.
        OSError
            If the file can't be read. If the backbone's weights can't be had, it is a
            ``ConnectionError``.

        Notes
        -----
        The checksum in the file shows accidental damage. It is no signature: who writes a file
        chooses its weights, and the backbone that is loaded, or fetched, for it.
        """
        recipes = list(recipes)
        if wrong := [recipe for recipe in recipes if not isinstance(recipe, type)]:
            raise TypeError(f"recipes must be classes, got {wrong[0]!r}")
        from ._file import read
        from ._load import rebuild

        content, tensors = read(path)
        with naming(path):
            return rebuild(cls, content, tensors, recipes, device, pretrained, backbone)

    @isolated
    def __getstate__(self):
        """Plain data in the place of the net, for pickle, joblib, skops and copies."""
        given: Any = super().__getstate__()
        state = dict(given)  # it is the estimator's own
        state.pop("net_", None)  # what trains: optimiser, callbacks, data loaders
        if "model_" not in state:
            return state
        from ._model_data import pack_model

        return {**state, "model_": pack_model(state["model_"])}

    @isolated
    def __setstate__(self, state):
        rest = {k: v for k, v in state.items() if k != "model_"}
        super().__setstate__(rest)  # type: ignore[misc]  # that of scikit-learn's BaseEstimator
        if "model_" in state:
            from ._model_data import unpack_model

            recipes = (rest["adapter_"], rest["head_"])
            self.model_ = unpack_model(recipes, len(rest["classes_"]), state["model_"])
