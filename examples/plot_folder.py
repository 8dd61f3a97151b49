"""
From a folder of photographs
============================

Pictures mostly come as files, in one folder per class. This example makes such folders, looks at
how many pictures the classes have, trains on the files, one of which is damaged, and looks at what
the classifier makes of others. The "photographs" are emoji saved as JPEG, so that it runs offline;
for your own, leave the first cell out, and change the backbone.
"""

# %%
# A folder
# --------
# ``train/flag/0003.jpg``, ``train/bird/0007.jpg``, ...: twelve classes of emoji.
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from PIL import Image
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from sklift import LiftClassifier, ZeroShotClassifier
from sklift.datasets import load_emoji, load_image_folder
from sklift.displays import ClassCountsDisplay, ContactSheetDisplay

FOLDERS = {
    "country-flag": "flag",
    "animal-mammal": "mammal",
    "transport-ground": "vehicle",
    "clothing": "clothes",
    "food-prepared": "meal",
    "time": "clock",
    "place-building": "building",
    "heart": "heart",
    "animal-bird": "bird",
    "food-fruit": "fruit",
    "animal-bug": "insect",
    "cat-face": "cat face",
}
temporary = tempfile.TemporaryDirectory()
root = Path(temporary.name)
for subset in ("train", "test"):
    emoji = load_emoji(subset, size=96)
    for i, (image, label) in enumerate(zip(emoji.images, emoji.target, strict=True)):
        if label in FOLDERS:
            file = root / subset / FOLDERS[label] / f"{i:04d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(file, quality=90)
damaged = root / "train" / "flag" / "9999.jpg"
_ = damaged.write_bytes(b"not a picture")

# %%
# What is there
# -------------
# :func:`~sklift.datasets.load_image_folder` lists the files and reads none. The labels are the
# names of the folders.
train, test = load_image_folder(root / "train"), load_image_folder(root / "test")
print(f"{len(train.data)} files to train on, {len(test.data)} to test on")
print(f"the first: {Path(train.data[0]).relative_to(root)}")
ClassCountsDisplay.from_labels(train.target)
plt.show()

# %%
# Train on the files
# ------------------
# Paths are pictures to an estimator, which decodes each file once. With ``on_error="skip"`` a file
# that cannot be read is left out, with a warning that names it. A few pictures ask for a careful
# start: the head alone is trained (``adapter=None``), from where the names of the folders put it.
classifier = LiftClassifier(
    "emoji-tiny",
    adapter=None,
    prompts="an emoji of {}",
    augmentation=None,
    max_epochs=4,
    batch_size=32,
    reader__on_error="skip",
    random_state=0,
)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    classifier.fit(train.data, train.target)
print(*{str(w.message).replace(str(root), "...") for w in told}, sep="\n")
print("left out:", *(Path(train.data[i]).relative_to(root) for i in classifier.skipped_))

zero_shot = ZeroShotClassifier("emoji-tiny", prompts="an emoji of {}").fit(None, train.target)
rows = {}
for name, model in {"class names alone": zero_shot, "trained on the folder": classifier}.items():
    predicted = model.predict(test.data)
    rows[name] = {
        "accuracy": accuracy_score(test.target, predicted),
        "balanced accuracy": balanced_accuracy_score(test.target, predicted),
    }
table = 100 * pd.DataFrame(rows).T
print(f"Per cent correct\n{table.round(1).to_string()}")

# %%
# Look at the mistakes
# --------------------
# The sheet reads the files that it shows. Each line names the class that was predicted and, for a
# mistake, the true one.
ContactSheetDisplay.from_estimator(classifier, test.data, test.target, n_images=15)
plt.show()

# %%
# What it shows
# -------------
# From a folder to a classifier it takes two lines, and the damaged file cost no training run. The
# folders' names go a long way by themselves, since they are words that the backbone knows: choose
# them well. A few pictures of each class add to that.
gain = table.loc["trained on the folder"] - table.loc["class names alone"]
print(
    f"Training on {len(train.data) - len(classifier.skipped_)} files changes accuracy by "
    f"{gain['accuracy']:+.1f} points over the names alone, balanced accuracy by "
    f"{gain['balanced accuracy']:+.1f}."
)
temporary.cleanup()
