#!/usr/bin/env bash
# onnxruntime 1.32.0: does Resize with antialias=1 keep negative numbers of int8?
#
# One would guess: yes. It takes the type, int32 and float32 of the same values come out right, and so does
# int8 without antialias. Quantised models hold signed numbers, half of them below 0.
# Seen: all of them become 0, in linear and cubic mode, as if results were held in the range of uint8. A
# map of nothing but -7 that is made larger has nothing but 0. No error.
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


def resized(x, antialias, mode="linear"):
    """Halved in width, by onnxruntime and by the reference of ONNX."""
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode, antialias=antialias)
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    x_info = helper.make_tensor_value_info("x", kind, x.shape)
    y_info = helper.make_tensor_value_info("y", kind, None)
    scales = numpy_helper.from_array(np.array([1, 1, 1, 0.5], np.float32), "scales")
    graph = helper.make_graph([node], "graph", [x_info], [y_info], [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    reference = ReferenceEvaluator(model).run(None, {"x": x})[0]
    return session.run(None, {"x": x})[0][0, 0, 0].tolist(), reference[0, 0, 0].tolist()


row = np.tile(np.array([-100, -50, -20, 10, 60, 120]), (1, 1, 4, 1))
for kind, antialias, mode in (
    ("int8", 0, "linear"),
    ("int32", 1, "linear"),
    ("float32", 1, "linear"),
    ("int8", 1, "linear"),
    ("int8", 1, "cubic"),
):
    found, reference = resized(row.astype(kind), antialias, mode)
    print(f"{kind}, {mode}, antialias {antialias}: {np.round(found)}, reference {np.round(reference)}")
    lost = kind == "int8" and antialias == 1
    assert (found[:2] == [0, 0]) == lost, "changed"
    assert reference[0] < -60 and (lost or abs(np.subtract(found, reference)).max() <= 1)
PY
