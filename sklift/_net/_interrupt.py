"""Handling of Ctrl-C: training ends between two batches, not within one."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

from skorch.callbacks import Callback


@contextmanager
def interrupts_deferred(net):
    """Context in which a first Ctrl-C lets the batch finish, and a second one ends it at once.

    It does nothing outside of the main thread, or where another handler than Python's own is set:
    somebody needs that handler.
    """
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def note(signum, frame):
        if net.interrupted:
            raise KeyboardInterrupt
        net.interrupted = True

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


class StopIfInterrupted(Callback):
    """Ends training after the batch in which Ctrl-C was pressed."""

    def on_batch_end(self, net, training=False, **kwargs):
        """Raise a KeyboardInterrupt, which makes skorch end the training."""
        if training and net.interrupted:
            raise KeyboardInterrupt
