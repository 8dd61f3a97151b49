"""Labels of which some are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_LOWEST = -(2**63)  # no index either: to look up a name by it is an error, as with -1 it isn't


class Labels(np.ma.MaskedArray):
    """Labels with a mask of those that are missing.

    Under the mask lies a value that is no class: an empty text, or the smallest number. To
    functions that know no masks, such as scikit-learn's metrics, these are labels that are wrong.
    """

    def __array_function__(self, func, types, args, kwargs):
        """Keep masks where numpy joins arrays, as ``cross_val_predict`` does.

        Examples
        --------
        >>> import numpy as np
        >>> from sklift._classes._masked import masked_labels
        >>> missing = np.array([False, True])
        >>> labels = masked_labels(np.array(["cat", "fox"]), np.array([1, 0]), missing)
        >>> np.concatenate([labels[:1], labels, ["cat"]]).tolist()
        ['fox', 'fox', None, 'cat']
        """
        if func is not np.concatenate or not set(kwargs) <= {"axis"}:
            return super().__array_function__(func, types, args, kwargs)
        parts = [np.ma.asanyarray(part) for part in args[0]]
        joined = np.ma.concatenate(parts, *args[1:], **kwargs).view(Labels)
        masked = [part for part in parts if np.ma.is_masked(part)]
        if masked:
            joined.fill_value = masked[0].fill_value
        return joined

    def __iter__(self) -> Iterator:
        """Iterate over what lies under the mask: metrics put labels in sets, numpy's masked can't.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.metrics import accuracy_score
        >>> from sklift._classes._masked import masked_labels
        >>> missing = np.array([False, True])
        >>> labels = masked_labels(np.array(["cat", "fox"]), np.array([1, 0]), missing)
        >>> labels.tolist(), list(labels), accuracy_score(["fox", "cat"], labels)
        (['fox', None], [np.str_('fox'), np.str_('')], 0.5)
        """
        return iter(self.data)


def masked_labels(classes: np.ndarray, codes: np.ndarray, missing: np.ndarray) -> Labels:
    """Make labels of codes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The class list.
    codes : ndarray of int, shape (n_samples,)
        The classes of the samples, as indices.
    missing : ndarray of bool, shape (n_samples,)
        Which labels are missing, whatever their codes are.

    Returns
    -------
    labels : Labels of shape (n_samples,)
        Of the dtype of the classes; where some are missing, of a signed one in place of bool and
        unsigned integers.
    """
    if not missing.any():
        return Labels(classes[codes], mask=missing)
    if classes.dtype.kind in "bu" and int(classes.max()) < 2**63:  # room for a negative number
        classes = classes.astype(np.int64)
    value = _no_class(classes)
    known = np.append(classes, np.array([value], dtype=object if value is None else None))
    labels = known[np.where(missing, len(classes), codes)]
    return Labels(labels, mask=missing, fill_value=known[-1])


def _no_class(classes: np.ndarray) -> Any:
    """A value of the kind of the classes that is none of them; None where there is no such."""
    value: Any = None
    if classes.dtype.kind in "if":
        value = float(_LOWEST) if classes.dtype.kind == "f" else _LOWEST
    elif classes.dtype.kind == "u":
        value = np.uint64(2**64 - 1)
    elif classes.dtype.kind == "U" or all(isinstance(label, str) for label in classes):
        value = ""
    return None if value in classes.tolist() else value
