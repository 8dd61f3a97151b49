"""The net for pictures with any number of labels."""

from __future__ import annotations

import numpy as np
import torch

from ._net import LiftNet


class MultilabelNet(LiftNet):
    """Net whose targets are rows of zeros and ones; a hit is a picture with all of its labels."""

    target_ndim = 2

    def n_right(self, logits, target):
        """Number of samples of which each label is predicted, as a tensor."""
        return (self._predicted(logits) == target).all(1).sum()

    def _predicted(self, logits):
        """Labels that are more probable than not, where they are as frequent as in training."""
        return logits + self.criterion_.adjustment(logits.dtype) > 0

    def predict(self, X):
        """Zeros and ones, for skorch's scoring callbacks."""
        return self._predicted(self.forward(X).to(self.device)).cpu().numpy().astype(np.int64)

    def predict_proba(self, X):
        """Probabilities of the labels, for skorch's scoring callbacks."""
        logits = self.forward(X).to(self.device)
        return torch.sigmoid(logits + self.criterion_.adjustment(logits.dtype)).cpu().numpy()
