"""
From a folder of photographs, with its dirt
===========================================

Pictures mostly come as files, in one folder per class, and with them comes what nobody meant to be
there: thumbnails of the system, empty and damaged files, masks, copies. This example makes such
folders, looks at what is left out and why, trains on the rest, and looks at what the classifier
makes of others. The "photographs" are emoji saved as JPEG, so that it runs offline; for your own,
leave the first cell out, and change the backbone.
"""

# %%
# A folder
# --------
# ``train/flag/0003.jpg``, ``test/bird/0007.jpg``, ...: twelve classes of emoji. Then the dirt.
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from PIL import Image
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from sklift import LiftClassifier, ZeroShotClassifier
from sklift.datasets import load_emoji, load_image_folder
from sklift.displays import ContactSheetDisplay

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
root = Path(temporary.name) / "photos"
for subset in ("train", "test"):
    emoji = load_emoji(subset, size=96)
    for i, (image, label) in enumerate(zip(emoji.images, emoji.target, strict=True)):
        if label in FOLDERS:
            file = root / subset / FOLDERS[label] / f"{i:04d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(file, quality=90)


def some(folder, n):
    """Return the first files of a folder."""
    return sorted((root / folder).glob("*.jpg"))[:n]


for file in some("train/mammal", 12):  # masks of an earlier project
    mask = Image.open(file).convert("L").point(lambda value: 255 * (value < 250))
    mask.save(file.with_name(f"{file.stem}_mask.png"))
for file in some("test/flag", 9):  # test pictures that have found their way into training
    shutil.copy(file, root / "train" / "flag" / f"copy of {file.name}")
for file in some("train/bird", 3):  # of two minds about the label
    shutil.copy(file, root / "train" / "mammal" / f"bird {file.name}")
for folder in ("flag", "clock", "meal"):
    (root / "train" / folder / "Thumbs.db").write_bytes(b"made by the system")
    (root / "train" / folder / "IMG_0001.jpg").touch()  # an upload that broke off at once
(root / "train" / "fruit" / "IMG_0002.cr9").write_bytes(b"of a camera that is not made yet")
_ = (root / "train" / "flag" / "9999.jpg").write_bytes(b"not a picture")


# %%
# What is there
# -------------
# :func:`~sklift.datasets.load_image_folder` lists the files. One level too high, it says so.
def tell(function, *args, **kwargs):
    """Call a function, and print what it warns of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    for message in {str(w.message).replace(str(root), "photos") for w in told}:
        print("-", message.replace("; ", ";\n  ").replace(": ", ":\n  "), end="\n\n")
    return result


_ = tell(load_image_folder, root)

# %%
# Read as a split with classes, only the dirt is told. Copies are found by their content: those of
# test pictures are left out of training, and a picture that is in two classes is left out of both.
photos = tell(load_image_folder, root, levels="split/class")
train, test = photos.split == "train", photos.split == "test"
print(f"{train.sum()} files to train on, {test.sum()} to test on")

# %%
# The reason for each file is in ``left_out``.
reasons = Counter(reason.partition(": ")[0] for reason in photos.left_out.values())
lost = Counter(Path(path).parent.name for path in photos.left_out if "/train/" in path)
counts = pd.Series(photos.target[train]).value_counts()

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
names, numbers = zip(*reversed(reasons.most_common()), strict=True)
left.barh(names, numbers, color="tab:red")
left.bar_label(left.containers[0], padding=3)
left.set(title="Left out, and why", xlabel="files")
left.margins(x=0.1)
right.bar(counts.index, counts, label="kept")
right.bar(
    counts.index,
    [lost[name] for name in counts.index],
    bottom=counts,
    color="tab:red",
    label="left out",
)
right.tick_params(axis="x", rotation=60)
right.set(title="Files to train on", ylabel="files")
right.legend(frameon=False)
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
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
tell(classifier.fit, photos.data[train], photos.target[train])
skipped = photos.data[train][classifier.skipped_]
print("not to be read:", *(Path(path).relative_to(root) for path in skipped))

zero_shot = ZeroShotClassifier("emoji-tiny", prompts="an emoji of {}")
zero_shot.fit(None, photos.target[train])
rows = {}
for name, model in {"class names alone": zero_shot, "trained on the folder": classifier}.items():
    predicted = model.predict(photos.data[test])
    rows[name] = {
        "accuracy": accuracy_score(photos.target[test], predicted),
        "balanced accuracy": balanced_accuracy_score(photos.target[test], predicted),
    }
table = 100 * pd.DataFrame(rows).T
print(f"Per cent correct\n{table.round(1).to_string()}")

# %%
# Look at the mistakes
# --------------------
# The sheet reads the files that it shows. Each line names the class that was predicted and, for a
# mistake, the true one.
ContactSheetDisplay.from_estimator(classifier, photos.data[test], photos.target[test], n_images=15)
plt.show()

# %%
# What it shows
# -------------
# From a folder to a classifier it takes two lines, and none of the dirt cost a training run or an
# honest score: the copies of test pictures would have been right answers learned by heart. The
# folders' names go a long way by themselves, since they are words that the backbone knows: choose
# them well. A few pictures of each class add to that.
gain = table.loc["trained on the folder"] - table.loc["class names alone"]
print(
    f"Training on {train.sum() - len(skipped)} files changes accuracy by "
    f"{gain['accuracy']:+.1f} points over the names alone, balanced accuracy by "
    f"{gain['balanced accuracy']:+.1f}."
)
temporary.cleanup()
