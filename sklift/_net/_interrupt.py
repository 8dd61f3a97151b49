"""Ctrl-C, taken between two batches rather than in the middle of one."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

from skorch.callbacks import Callback


@contextmanager
def interrupts_deferred(net):
    """The first Ctrl-C lets the batch finish, a second one ends it at once.

    Only where Python's own handler is in place, which is in the main thread: whoever has set
    another has plans for it.
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
        """Skorch takes a keyboard interrupt as the wish to end."""
        if training and net.interrupted:
            raise KeyboardInterrupt
