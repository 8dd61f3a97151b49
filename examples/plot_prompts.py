"""
Prompts and initialisation: where a head starts
===============================================

A class name is the first thing that is known about a class. CLIP's text tower turns it into a
direction in feature space, by which pictures can be classified with no training at all, and from
which the head of :class:`~sklift.LiftClassifier` starts if it can. Two questions: how much does the
wording matter, and how much of the start is left after training?
"""

# %%
# The wording
# -----------
# The labels are names of Unicode sub-groups. Some say little about a picture: "alphanum" are
# buttons with letters. ``prompts`` takes one template, several, or a description (or several) of
# each class. Sixteen classes are described here by what is drawn in them.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import recall_score

from sklift import LiftClassifier, ZeroShotClassifier
from sklift.datasets import load_emoji
from sklift.metrics import shot_accuracy_score

train, test = load_emoji("train"), load_emoji("test")
counts = dict(zip(train.target_names, train.class_counts, strict=True))
tested = np.unique(test.target)
DESCRIBED = {
    "alphanum": ["letter button", "Japanese button"],
    "av-symbol": ["play button", "fast forward button"],
    "country-flag": ["flag of a country", "flag: France"],
    "event": ["party popper", "gift", "festival"],
    "face-concerned": ["worried face", "crying face", "angry face"],
    "geometric": ["red circle", "blue square"],
    "household": "chair, bed, soap",
    "keycap": "keycap: digit",
    "light & video": ["camera", "light bulb, candle"],
    "office": "paper clip, pushpin, scissors",
    "person-activity": ["person walking", "man in wheelchair"],
    "person-role": ["man health worker", "firefighter, police officer, farmer"],
    "sky & weather": ["moon", "cloud with rain", "sun"],
    "subdivision-flag": "flag of England",
    "time": ["clock face", "one o'clock"],
    "zodiac": "zodiac sign",
}
PROMPTS = {
    "the label": "{}",
    "a photo of a ...": "a photo of a {}.",
    "an emoji of ...": "an emoji of {}",
    "all three": ["{}", "a photo of a {}.", "an emoji of {}"],
    "16 described": {name: DESCRIBED.get(name, name) for name in counts},
}


def scores(classifier):
    """Mean recall of all classes and of each group, in per cent."""
    predicted = classifier.predict(test.images)
    groups = shot_accuracy_score(test.target, predicted, counts)
    balanced = recall_score(test.target, predicted, labels=tested, average="macro")
    return {name: 100 * score for name, score in {"balanced": balanced, **groups}.items()}


zero_shot = {}
for name, prompts in PROMPTS.items():
    # the classes that have test pictures
    classifier = ZeroShotClassifier("emoji-tiny", prompts=prompts).fit(None, test.target)
    zero_shot[name] = scores(classifier)
zero_shot = pd.DataFrame(zero_shot).T
print(f"Zero-shot, per cent correct\n{zero_shot.round(1).to_string()}")

# %%
# The start
# ---------
# The head alone is trained, from five starts and for more and more epochs. It is the cosine head
# for all of them, so that they differ in the start only.
STARTS = {
    "text, the label": dict(init="text", prompts=PROMPTS["the label"]),
    "text, 16 described": dict(init="text", prompts=PROMPTS["16 described"]),
    "class means": dict(init="class_mean"),
    "linear probe": dict(init="linear_probe"),
    "random": dict(init="random"),
}
EPOCHS, SEEDS = (1, 2, 5, 20), range(3)

rows = []
for name, start in STARTS.items():
    for epochs in EPOCHS:
        for seed in SEEDS:
            classifier = LiftClassifier(
                "emoji-tiny",
                adapter=None,
                head="cosine",
                augmentation=None,
                max_epochs=epochs,
                batch_size=32,
                lr=0.1,
                random_state=seed,
                **start,
            ).fit(train.images, train.target)
            rows.append({"start": name, "epochs": epochs, **scores(classifier)})
seeds = pd.DataFrame(rows).groupby(["start", "epochs"], sort=False)["balanced"]
mean, spread = seeds.mean().unstack(), seeds.std().unstack()
print(f"Balanced accuracy by epochs, mean of {len(SEEDS)} seeds\n{mean.round(1).to_string()}")

# %%
# The picture
# -----------
COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "0.5")
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
bars = left.barh(list(zero_shot.index), zero_shot["balanced"], color="#AA3377", alpha=0.7)
left.bar_label(bars, fmt="%.1f", padding=3)
left.invert_yaxis()
left.set(xlabel="balanced accuracy (%)", title="no training", xlim=(0, 24))
for name, colour in zip(STARTS, COLOURS, strict=True):
    right.errorbar(
        EPOCHS,
        mean.loc[name],
        spread.loc[name],
        color=colour,
        marker="o",
        ms=5,
        capsize=2,
        ls="--" if name == "random" else "-",
        label=name,
    )
right.set(xscale="log", xlabel="epochs", ylabel="balanced accuracy (%)", title="the head trained")
right.set_xticks(EPOCHS, [str(e) for e in EPOCHS])
right.minorticks_off()
right.legend(frameon=False, loc="lower right", title="start")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# What it shows
# -------------
# Without training the words are all there is: a few good descriptions do more than any template
# around a poor label. Training makes up for them: after one epoch a good start is a point or two
# ahead of a random one; after twenty, names lead by about a point still, and the other starts by no
# more than seeds differ by. A start from names costs nothing, so keep it; put work into
# descriptions where there is no training, or next to none.
best = mean.drop(index="random")
for epochs in (EPOCHS[0], EPOCHS[-1]):
    lead = best[epochs] - mean.loc["random", epochs]
    print(
        f"{epochs:2d} epochs: lead over a random start from {lead.min():+.1f} to {lead.max():+.1f} "
        f"points, {lead.mean():+.1f} on average (standard deviation of the seeds "
        f"{spread[epochs].mean():.1f})"
    )
gain = zero_shot["balanced"]["16 described"] - zero_shot["balanced"].drop("16 described").max()
print(f"zero-shot: 16 descriptions are worth {gain:+.1f} points over the best template")
