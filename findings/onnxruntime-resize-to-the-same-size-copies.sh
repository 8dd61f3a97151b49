#!/usr/bin/env bash
# onnxruntime 1.32.0: what does Resize make of a row of 4 numbers, with a scale of 1.2 along it?
#
# One would guess: 4 numbers (floor of 4.8) that lie 1 / 1.2 apart, 0, 8.3, 16.7, 25 for 0, 10, 20, 30, as
# ONNX defines the mode "asymmetric" and its reference gives it.
# Seen: 0, 10, 20, 30. If no axis changes its length, the input is copied, whatever the scales are. As soon as
# another axis changes, the same row is resampled: it depends on the height how wide things are drawn.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "onnxruntime==1.32.0" "onnx==1.23.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

FLOAT = helper.np_dtype_to_tensor_dtype(np.dtype("float32"))


def first_row(scale_of_height):
    """The first row of a map of 2 x 4, by onnxruntime and by the reference of ONNX."""
    x = np.array([0, 10, 20, 30] * 2, np.float32).reshape(1, 1, 2, 4)
    node = helper.make_node(
        "Resize", ["x", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="asymmetric"
    )
    x_info = helper.make_tensor_value_info("x", FLOAT, x.shape)
    y_info = helper.make_tensor_value_info("y", FLOAT, None)
    scales = numpy_helper.from_array(np.array([1, 1, scale_of_height, 1.2], np.float32), "s")
    graph = helper.make_graph([node], "graph", [x_info], [y_info], [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    reference = ReferenceEvaluator(model).run(None, {"x": x})[0]
    return [np.round(y[0, 0, 0], 2).tolist() for y in (session.run(None, {"x": x})[0], reference)]


right = [0, 25 / 3, 50 / 3, 25]
for scale in (1, 2):
    found, reference = first_row(scale)
    print(f"height times {scale}: {found}, by the reference {reference}")
    assert np.allclose(reference, right, atol=0.01)
    assert np.allclose(found, [0, 10, 20, 30] if scale == 1 else right, atol=0.01), "changed"
PY
