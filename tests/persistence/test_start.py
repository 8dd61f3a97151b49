"""What a fresh process imports before its first prediction: nothing that it does not use."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from sklift import LiftClassifier

TOWERS = ("open_clip", "timm", "torchvision", "transformers")
CODE = f"""
import sys
import numpy as np
from sklift import LiftClassifier

clf = LiftClassifier.load(sys.argv[1])
clf.predict(np.zeros((2, 4)))
unused = {{*{TOWERS}, "skorch", "torch._dynamo", "matplotlib"}} & set(sys.modules)
clf.fit(np.eye(4), [0, 0, 1, 1])
print(sorted(unused | ({{*{TOWERS}, "matplotlib"}} & set(sys.modules))))
"""


def test_features_need_no_library_of_towers(tmp_path):
    clf = LiftClassifier("precomputed", head="whitened_cosine", max_epochs=1, random_state=0)
    clf.fit(np.eye(4), list("aabb")).save(tmp_path / "m.safetensors")
    command = [sys.executable, "-c", CODE, str(tmp_path / "m.safetensors")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
