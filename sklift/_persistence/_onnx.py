"""An exported program as a model of ONNX, which runtimes without torch execute."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import torch
from torch.export import ExportedProgram

KEY = "sklift.json"  # of the metadata, and the name of the extra file of other programs
TOLERANCE = 1e-3  # of probabilities, between torch and the runtime
MOST_BYTES = 2**31 - 1  # of one file, by its format


def onnx_bytes(program: ExportedProgram, info: str, pictures: torch.Tensor) -> bytes:
    """Convert a program, and try it before anything is written.

    Parameters
    ----------
    program : ExportedProgram
        The map to probabilities.
    info : str
        What the metadata hold under ``"sklift.json"``.
    pictures : tensor
        An input on which both must agree.

    Returns
    -------
    content : bytes
        The content of the file.

    Raises
    ------
    ImportError
        If a package of ONNX is not installed.
    ValueError
        If the model is too large for one file.
    RuntimeError
        If the runtime gives other probabilities than torch.
    """
    try:
        onnxruntime = import_module("onnxruntime")
        import_module("onnxscript")  # torch converts with it
    except ImportError as error:
        needed = error.name or error
        raise ImportError(
            f'a file that ends with .onnx needs {needed}: pip install "scikit-lift[onnx]"'
        ) from error
    n_bytes = sum(t.nbytes for t in program.state_dict.values())
    if n_bytes > MOST_BYTES:
        raise ValueError(
            f"the weights take {n_bytes / 2**30:.1f} GiB, and one file of ONNX holds 2: export a "
            "program of torch (.pt2), which has no such bound"
        )
    with torch.no_grad():
        expected = program.module()(pictures).numpy()
    converted = torch.onnx.export(program, dynamo=True, verbose=False)
    assert converted is not None  # None is what the older converter returns
    model = converted.model_proto
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, info
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (name,) = (node.name for node in session.get_inputs())
    (found,) = session.run(None, {name: pictures.numpy()})
    gap = np.abs(found - expected).max()
    if not gap <= TOLERANCE:
        raise RuntimeError(
            f"onnxruntime {onnxruntime.__version__} gives probabilities that differ by {gap:.2g} "
            f"from those of torch {torch.__version__}: nothing was written. Other versions may "
            "agree; a program of torch (.pt2) does not depend on them"
        )
    return content
