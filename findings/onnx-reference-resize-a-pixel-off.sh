#!/usr/bin/env bash
# onnx 1.23.2: is ReferenceEvaluator's Resize right to rounding errors?
#
# One would guess: yes; it is what runtimes are tested against. A place that is 1e-16 left of a pixel has all
# but that pixel's number.
# Seen: it may have the number of the pixel before, off by a whole step. The fraction is taken of the place
# itself, and the neighbours of the place plus some padding, in which 1e-16 is rounded away: the two do not
# fit. In mode "half_pixel_symmetric", whose point is that a mirrored input has a mirrored output, the 9
# numbers 0, 10, ... 80 become 0, 30, 50, 70, and mirrored ones 80, 50, 30, 10; right are 10, 30, 50, 70.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "onnx==1.23.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

FLOAT = helper.np_dtype_to_tensor_dtype(np.dtype("float32"))


def resized(x, scale):
    mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], **mode)
    x_info = helper.make_tensor_value_info("x", FLOAT, x.shape)
    y_info = helper.make_tensor_value_info("y", FLOAT, None)
    scales = numpy_helper.from_array(np.array([scale], np.float32), "scales")
    graph = helper.make_graph([node], "graph", [x_info], [y_info], [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    return ReferenceEvaluator(model).run(None, {"x": x})[0]


for n, scale in ((9, 0.5), (7, 0.75), (10, 0.5)):
    x = np.arange(n, dtype=np.float32) * 10
    # places of the outputs: their middle is the middle of the inputs
    m = int(n * scale)
    right = ((np.arange(m) - (m - 1) / 2) / scale + (n - 1) / 2) * 10
    found, mirrored = resized(x, scale), resized(x[::-1].copy(), scale)[::-1]
    rounded = [np.round(y, 2) for y in (found, mirrored, right)]
    print("{} numbers times {}: {}, mirrored {}, right {}".format(n, scale, *rounded))
    off = abs(found - right).max()
    assert off < 1e-4 if n == 10 else abs(off - 10) < 1e-4, "changed"
PY
