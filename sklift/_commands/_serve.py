"""``sklift serve``: a web service that labels pictures."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import warnings

from .._core._text import counted
from ._output import say
from ._parameters import as_value

DESCRIPTION = """\
Answer requests over HTTP: POST /predict with pictures as files of a form gives
JSON, with what sklift predict tells of each; GET /health, GET /metrics (for
Prometheus: counts, times, probabilities, the mix of classes against that of
training, and whether pictures have changed). Concurrent requests are computed
as batches. When too many wait, the answer is 503 with Retry-After.

It has no accounts and no encryption, and listens to this machine alone: put a
proxy that has them before it. Ctrl-C, or SIGTERM, ends it when all requests
are answered. It needs pip install "scikit-lift[serve]"."""

EXAMPLES = """\
  sklift serve model.safetensors
  sklift serve model.safetensors --port 9000 --batch_size 64 --device cuda
  curl -F pictures=@a.jpg -F pictures=@b.jpg http://127.0.0.1:8000/predict"""

BOUNDS = {
    "batch_size": ("N", int, "pictures that are computed together"),
    "max_waiting": ("N", int, "pictures that may wait"),
    "max_pictures": ("N", int, "pictures of a request"),
    "max_upload": ("MB", int, "megabytes of a request; all together have 8 times as much"),
    "max_megapixels": ("N", int, "million pixels of a picture, and of a batch"),
    "time_limit": ("SECONDS", float, "for an upload, and again for its answer"),
    "window": ("N", int, "latest predictions that are compared with held-out ones"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from ._service._limits import Limits

    parser.add_argument("model", metavar="MODEL", help="file of sklift fit, or of save()")
    parser.add_argument(
        "--host", metavar="NAME", default="127.0.0.1", help="address to listen at (this machine)"
    )
    parser.add_argument(
        "--port", metavar="N", type=int, default=8000, help="0: any that is free (default 8000)"
    )
    parser.add_argument(
        "--top", metavar="K", type=int, default=5, help="labels for each picture (default 5)"
    )
    for name, (metavar, kind, text) in BOUNDS.items():
        default = getattr(Limits, name)
        parser.add_argument(
            f"--{name}",
            metavar=metavar,
            type=kind,
            default=default,
            help=f"{text} (default {default:g})",
        )
    parser.add_argument("--target_prior", metavar="VALUE", help="the mix of classes to assume")
    parser.add_argument("--tta", metavar="VALUE", help='test-time ensembling, such as "fivecrop"')
    parser.add_argument("--device", metavar="VALUE", help='where to compute: "cpu", "cuda"')


def run(options: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    from ._service._limits import Limits

    limits = Limits(**{name: getattr(options, name) for name in BOUNDS})
    limits.check(top=options.top)
    try:
        import uvicorn
    except ImportError as error:
        raise ImportError('a service needs uvicorn: pip install "scikit-lift[serve]"') from error
    from ._service._app import application

    with listening(options.host, options.port) as opened:  # before a model is loaded
        served = _loaded(options)
        config = uvicorn.Config(
            application(served, limits, options.top),
            access_log=False,
            log_level="error",
            timeout_graceful_shutdown=int(limits.time_limit) + 5,
        )
        # What is odd in pictures is in the answers; strangers would choose what is in the log.
        warnings.simplefilter("ignore")
        logging.getLogger().addHandler(logging.NullHandler())
        host, port = opened.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        n = counted(len(served.clf.classes_), "class")
        say(f"serving {options.model}, {n}: http://{shown}:{port}")
        uvicorn.Server(config).run(sockets=[opened])
    return 0


def _loaded(options: argparse.Namespace):
    from .._compute._device import resolve_device
    from ._service._served import load_served

    if options.device is not None:
        resolve_device(options.device)  # before a file is read
    given = {name: getattr(options, name) for name in ("target_prior", "tta")}
    settings = {name: as_value(word) for name, word in given.items() if word is not None}
    return load_served(options.model, options.device, settings)


def listening(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address.

    Raises
    ------
    ValueError
        If there is no such port.
    OSError
        If there is no such address, or it is taken.
    """
    if not 0 <= port < 2**16:
        raise ValueError(f"--port is a number from 0 to 65535; got {port}")
    where = f"can't listen at {host!r}, port {port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise OSError(f"{where}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:  # whose own words have the address again
        raise OSError(f"{where}: {os.strerror(error.errno or 0)}") from error
