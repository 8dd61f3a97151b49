"""The methods ``push_to_hub`` and ``from_hub`` of the estimators."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._core._version import __version__
from ._mixin import InFile

MODEL_FILE, CARD_FILE = "model.safetensors", "README.md"


class Persistent(InFile):
    """Mixin of estimators that can be saved in a file, or in a repository of the Hub."""

    def push_to_hub(
        self,
        repo_id: str,
        *,
        report: Any = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        commit_message: str | None = None,
    ) -> str:
        """Save the fitted estimator in a repository of the Hugging Face Hub, with a card.

        The repository gets two files, or new versions of them: ``model.safetensors``, as
        :meth:`save` writes it, and the model card ``README.md``: how to load the model, its
        settings and, with a report, its scores. The card holds names of classes and numbers;
        pictures, and paths of them, stay here.

        Parameters
        ----------
        repo_id : str
            The repository, ``"user/name"``. It is made if it is not there.
        report : Report or path, optional
            Scores for the card: a :class:`sklift.displays.Report`, or its page.
        private : bool, optional
            Whether a repository that is made is private. By default, the Hub decides.
        token : str or bool, optional
            Your access token. By default, that of ``hf auth login`` or of ``HF_TOKEN``.
        revision : str, optional
            The branch; it is made if it is not there. By default, the main one.
        commit_message : str, optional
            What the history of the repository says of it.

        Returns
        -------
        commit : str
            The hash of the commit. As ``revision`` of :meth:`from_hub`, it always gives this model.

        Raises
        ------
        sklearn.exceptions.NotFittedError, TypeError, ValueError
            As :meth:`save`, before anything is sent; also if ``repo_id`` is no name of a
            repository, or ``report`` is none.
        ConnectionError
            If the Hub can't be reached, or refuses it.

        See Also
        --------
        from_hub : Load it.

        Examples
        --------
        >>> from sklift import ZeroShotClassifier
        >>> clf = ZeroShotClassifier("emoji-tiny").fit(None, ["red square", "black cat"])
        >>> repo_id = "user/squares-and-cats"
        >>> commit = clf.push_to_hub(repo_id)  # doctest: +SKIP
        >>> ZeroShotClassifier.from_hub(repo_id, revision=commit)  # doctest: +SKIP
        """
        check_is_fitted(self)
        _check_names(repo_id, revision)
        from huggingface_hub import HfApi

        from ..displays import Report
        from ._model_card import model_card

        if report is not None and not isinstance(report, Report):
            report = Report.load(report)
        with TemporaryDirectory() as folder:
            self.save(Path(folder) / MODEL_FILE)
            card = model_card(self, repo_id, report)
            (Path(folder) / CARD_FILE).write_text(card, encoding="utf-8")
            with hub_errors(f"push {type(self).__name__} to {repo_id!r}"):
                api = HfApi(token=token, library_name="scikit-lift", library_version=__version__)
                made = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
                if revision is not None:
                    api.create_branch(made, branch=revision, exist_ok=True)
                return api.upload_folder(
                    repo_id=made,
                    folder_path=folder,
                    revision=revision,
                    commit_message=commit_message or f"{type(self).__name__} of scikit-lift",
                ).oid

    @classmethod
    def from_hub(
        cls,
        repo_id: str,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        recipes: Iterable[type] = (),
        device: str | None = None,
        pretrained: str | os.PathLike | None = None,
        backbone: Any = None,
    ):
        """Load an estimator from a repository of the Hugging Face Hub.

        One file of the repository is read, ``model.safetensors``, as :meth:`load` reads it: no
        code comes with it. It is kept in the cache of the Hub; offline, it is taken from there.

        Parameters
        ----------
        repo_id : str
            The repository, ``"user/name"``.
        revision : str, optional
            A branch, a tag, or the hash of a commit: a hash pins the model, whatever the repository
            will hold. By default the latest one of the main branch.
        token : str or bool, optional
            Your access token, for private repositories. By default, that of ``hf auth login`` or of
            ``HF_TOKEN``.
        recipes, device, pretrained, backbone
            As of :meth:`load`.

        Returns
        -------
        estimator : same class
            Fitted.

        Raises
        ------
        ValueError
            If ``repo_id`` is no name of a repository, ``revision`` is none of a revision, or the
            file is none that :meth:`load` takes.
        TypeError
            If one of these names is no text.
        FileNotFoundError
            If there is no such repository, revision or file in it.
        ConnectionError
            If the Hub can't be reached, and the cache lacks the file; or the weights of the
            backbone are not available.

        See Also
        --------
        push_to_hub : Publish an estimator.
        """
        _check_names(repo_id, revision)
        from huggingface_hub import hf_hub_download

        with hub_errors(f"load {cls.__name__} from {repo_id!r}"):
            path = hf_hub_download(
                repo_id,
                MODEL_FILE,
                revision=revision,
                token=token,
                library_name="scikit-lift",
                library_version=__version__,
            )
        return cls.load(
            path, recipes=recipes, device=device, pretrained=pretrained, backbone=backbone
        )


def _check_names(repo_id: str, revision: str | None) -> None:
    """Check what the client of the Hub does not, before anything is sent or read.

    Raises
    ------
    TypeError, ValueError
        If a name is no text, or the revision is one that git can't have: the client would take it
        for a path in its cache.
    """
    for name, given in (("repo_id", repo_id), ("revision", revision)):
        if not isinstance(given, str) and not (name == "revision" and given is None):
            raise TypeError(f"{name} must be a text, got {given!r}")
    if revision is not None and (".." in revision or not revision or revision.startswith("/")):
        raise ValueError(
            f"revision must be a branch, a tag or the hash of a commit, got {revision!r}"
        )


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Context that turns errors of the Hub's client into built-in ones, which say what is missing.

    Parameters
    ----------
    what : str
        What is done, as in "can't ...".
    """
    from huggingface_hub.utils import (
        EntryNotFoundError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except HFValidationError:
        raise
    except LocalEntryNotFoundError as error:
        raise ConnectionError(
            f"can't {what}: the Hub can't be reached, or HF_HUB_OFFLINE is set, and the cache of "
            "this machine lacks the file. Load it once where there is a network, or give the file "
            "itself to load()"
        ) from error
    except RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"can't {what}: there is no such repository, or it is private: log in by "
            "`hf auth login`, or give token="
        ) from error
    except RevisionNotFoundError as error:
        raise FileNotFoundError(f"can't {what}: the repository has no such revision") from error
    except EntryNotFoundError as error:
        raise FileNotFoundError(
            f"can't {what}: the repository has no file {MODEL_FILE}, as push_to_hub writes it"
        ) from error
    except Exception as error:  # the HTTP library differs between versions of the client
        raise ConnectionError(f"can't {what}: {error or type(error).__name__}") from error
