"""Prompts: the texts of the classes, made from class names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .._core._text import counted
from .._core._warn import warn


def class_prompts(prompts, classes, names: list[str] | None) -> list[list[str]]:
    """The texts of every class.

    Parameters
    ----------
    prompts : str, sequence of str, or dict
        One template or several, each with ``{}`` for the name; ``"imagenet"`` for the 80 templates
        of Radford et al., 2021 (arXiv 2103.00020), ``"imagenet-simple"`` for the best 7 of them;
        or a dict label -> description or list of descriptions, which are used unchanged.
    classes : array-like of shape (n_classes,)
        The labels.
    names : list of str or None
        The class names in words; underscores become blanks. Not used if ``prompts`` is a dict.

    Returns
    -------
    list of list of str
        One list for each class.

    Raises
    ------
    ValueError
        If a template lacks ``{}``, or a class has no description.
    TypeError
        If ``prompts`` has another type.

    Examples
    --------
    >>> from sklift._classes._prompts import class_prompts
    >>> class_prompts("a photo of a {}.", [0, 1], ["red_fox", "lynx"])
    [['a photo of a red fox.'], ['a photo of a lynx.']]
    """
    if isinstance(prompts, Mapping):
        texts = []
        for label in list(classes):
            label = label.item() if hasattr(label, "item") else label
            if label not in prompts:
                raise ValueError(f"prompts has no description of class {label!r}")
            descriptions = prompts[label]
            descriptions = [descriptions] if isinstance(descriptions, str) else list(descriptions)
            if not descriptions or not all(isinstance(t, str) and t.strip() for t in descriptions):
                raise ValueError(f"prompts of class {label!r} must be one or more non-empty str")
            texts.append(descriptions)
        return texts
    templates = _named_templates(prompts) if isinstance(prompts, str) else prompts
    try:
        templates = list(templates)
    except TypeError:
        templates = []
    if not templates or not all(isinstance(t, str) for t in templates):
        raise TypeError(
            "prompts must be a template like 'a photo of a {}.', a list of templates, or a dict "
            f"label -> description, got {prompts!r}"
        )
    for template in templates:
        if template.count("{}") != 1:
            raise ValueError(f"prompt template {template!r} must hold one {{}} for the class name")
    assert names is not None  # the callers check that templates have names to fill in
    clean = [name.replace("_", " ").strip() for name in names]
    return [[t.replace("{}", name) for t in templates] for name in clean]


def prompt_features(backbone, prompts, classes, names):
    """Mean of the unit text features of each class, a tensor ``(n_classes, embed_dim)``.

    Warns of prompts that are cut short, of names that can't be read, and of classes that are the
    same.
    """
    texts = class_prompts(prompts, classes, names)
    flat = [t for descriptions in texts for t in descriptions]
    if long := backbone.text.truncated(flat):
        warn(
            f"{len(long)} prompts are longer than the text tower reads, and are cut off, the "
            f"first is {long[0]!r}; shorten class_names or prompts"
        )
    if names is not None and (unread := backbone.text.unread(names)):
        warn(
            f"the text tower can't read the names of {counted(len(unread), 'class')}, the first is "
            f"{unread[0]!r}: give class_names in a language that it knows"
        )
    features = backbone.mean_texts(texts)
    if same := same_features(features.numpy()):
        labels = np.asarray(classes).tolist()
        groups = "; ".join(" and ".join(repr(labels[k]) for k in group) for group in same[:5])
        warn(
            "classes with the same text feature, which can't tell them apart: "
            f"{groups}{'; ...' if len(same) > 5 else ''}; give them names or prompts that differ"
        )
    return features


def same_features(features: np.ndarray) -> list[list[int]]:
    """Groups of classes whose text features are the same but for rounding, by index.

    Only features in the same cell of a coarse grid, in a few random directions, are compared.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._prompts import same_features
    >>> same_features(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 4.0]]))
    [[0, 2]]
    """
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    directions = np.random.default_rng(0).normal(size=(rows.shape[1], 8))
    cells = np.round(10 * (rows - rows.mean(0)) @ directions)
    _, cells, sizes = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    by_cell = np.argsort(cells.ravel(), kind="stable")
    groups = []
    for left in np.split(by_cell, np.cumsum(sizes)[:-1]):
        while len(left) > 1:
            alike = rows[left] @ rows[left[0]] > 1 - 1e-6
            alike[0] = True
            if alike.sum() > 1:
                groups.append(left[alike].tolist())
            left = left[~alike]
    return sorted(groups)


def _named_templates(prompts: str) -> list[str]:
    if prompts not in ("imagenet", "imagenet-simple"):
        return [prompts]
    from open_clip import zero_shot_metadata as published

    full = prompts == "imagenet"
    functions = published.OPENAI_IMAGENET_TEMPLATES if full else published.SIMPLE_IMAGENET_TEMPLATES
    return [function("{}") for function in functions]
