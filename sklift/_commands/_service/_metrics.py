"""Figures of a service, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ._drift import Window

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TENTHS = tuple(k / 10 for k in range(1, 11))
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counts, times, probabilities and the mix of classes of a service.

    Parameters
    ----------
    labels : sequence
        The classes.
    window : Window
        The latest predictions.
    n_waiting : callable
        A function that returns how many pictures wait.
    """

    def __init__(self, labels: Sequence, window: Window, n_waiting: Callable[[], int]):
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        from prometheus_client import ProcessCollector as OfProcess

        self.window = window
        self._labels = [str(label) for label in labels]
        own = {"registry": CollectorRegistry()}  # a process may have several services
        self._registry = own["registry"]
        self._requests = Counter("sklift_requests", "Requests, by status", ["status"], **own)
        self._seconds = Histogram(
            "sklift_request_seconds", "Seconds of a request", buckets=_SECONDS, **own
        )
        self._unreadable = Counter("sklift_unreadable", "Pictures that can't be read", **own)
        self._predicted = Counter("sklift_predictions", "Pictures, by label", ["label"], **own)
        self._flags = Counter("sklift_flags", "Pictures with a flag", ["flag"], **own)
        self._probability = Histogram(
            "sklift_probability", "Probability of the label", buckets=_TENTHS, **own
        )
        self._batches = Histogram(
            "sklift_batch_pictures", "Pictures of a batch", buckets=_SIZES, **own
        )
        Gauge("sklift_waiting", "Pictures that wait", **own).set_function(n_waiting)
        OfProcess(**own)
        self._registry.register(self)

    def request(self, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(status).inc()
        self._seconds.observe(seconds)

    def batch(self, proba: np.ndarray, n: int) -> None:
        """Take in the probabilities of a batch of ``n`` pictures."""
        self._batches.observe(n)
        if len(proba):
            self.window.add(proba)

    def answers(self, rows: Sequence[dict]) -> None:
        """Count what is said of pictures."""
        for row in rows:
            if row["error"] is not None:
                self._unreadable.inc()
                continue
            self._predicted.labels(str(row["label"])).inc()
            self._probability.observe(row["probability"])
            for flag in row["flags"]:
                self._flags.labels(flag).inc()

    def collect(self) -> Iterator:
        """Give what is computed when it is asked for, as Prometheus' client wants it."""
        from prometheus_client.core import GaugeMetricFamily as Gauges

        drift = self.window.drift()
        yield Gauges("sklift_window", "Latest predictions that are compared", value=drift.n)
        for name, text, mix in (
            ("sklift_trained_share", "Share of a class in training", self.window.trained),
            ("sklift_estimated_share", "Share of a class in the window, estimated", drift.mix),
        ):
            if mix is not None:
                shares = Gauges(name, text, labels=["label"])
                for label, share in zip(self._labels, mix.tolist(), strict=True):
                    shares.add_metric([label], share)
                yield shares
        if drift.distance is not None:
            text = "Distance of the estimated mix from that of training, 0 to 1"
            yield Gauges("sklift_mix_distance", text, value=drift.distance)
        if drift.p_labels is not None:
            tests = Gauges("sklift_drift_p_value", "Small if pictures have changed", labels=["of"])
            tests.add_metric(["labels"], drift.p_labels)
            tests.add_metric(["probability"], drift.p_probability)
            yield tests

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)
