"""Prompts: the texts of the classes, made from class names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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


def prompt_features(backbone, prompts, classes, names) -> list:
    """Unit text features of each class, ``(n_prompts, embed_dim)``; warns of prompts cut short."""
    texts = class_prompts(prompts, classes, names)
    flat = [t for descriptions in texts for t in descriptions]
    if long := backbone.text.truncated(flat):
        warn(
            f"{len(long)} prompts are longer than the text tower reads, and are cut off, the "
            f"first is {long[0]!r}; shorten class_names or prompts"
        )
    if names is not None and (unread := backbone.text.unread(names)):
        warn(
            f"the text tower can't read the names of {len(unread)} classes, the first is "
            f"{unread[0]!r}: give class_names in a language that it knows"
        )
    features = list(backbone.encode_texts(flat).split([len(own) for own in texts]))
    if same := same_features(features):
        labels = np.asarray(classes).tolist()
        groups = "; ".join(" and ".join(repr(labels[k]) for k in group) for group in same[:5])
        warn(
            "classes with the same text feature, which can't tell them apart: "
            f"{groups}{'; ...' if len(same) > 5 else ''}; give them names or prompts that differ"
        )
    return features


def same_features(features, at_once: int = 1024) -> list[list[int]]:
    """Groups of classes whose mean text features are the same, by index."""
    rows = np.stack([np.asarray(own).mean(0) for own in features])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    first = np.concatenate(
        [
            (rows[i : i + at_once] @ rows.T > 1 - 1e-6).argmax(axis=1)
            for i in range(0, len(rows), at_once)
        ]
    )
    kinds, sizes = np.unique(first, return_counts=True)
    return [np.flatnonzero(first == kind).tolist() for kind in kinds[sizes > 1]]


def _named_templates(prompts: str) -> list[str]:
    if prompts not in ("imagenet", "imagenet-simple"):
        return [prompts]
    from open_clip import zero_shot_metadata as published

    full = prompts == "imagenet"
    functions = published.OPENAI_IMAGENET_TEMPLATES if full else published.SIMPLE_IMAGENET_TEMPLATES
    return [function("{}") for function in functions]
