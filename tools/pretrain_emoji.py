"""Pre-training of the embedded backbone ``emoji-tiny``, by one command, on a CPU or a GPU.

    python tools/pretrain_emoji.py --work ~/emoji-work

Contrastive image-text training (CLIP; Radford et al., 2021, arXiv 2103.00020) of a small ViT and a
small text transformer on emoji renderings of ten open-licence vendors. A batch holds pairs of
pictures of the same emoji by different vendors, and captions drawn from its names and keywords. A
keyword suits many pictures of a batch, so the targets are all pictures whose keywords include the
caption's (Yang et al., UniCL, 2022, arXiv 2204.03610), not the diagonal. A second loss predicts all
words of an emoji's names and keywords from the feature before the projection (Joulin et al., 2016,
arXiv 1511.02251): a caption shows few of them at a time. Its head is thrown away.

A run continues from ``WORK/checkpoint.pt`` when it is there, and ends by writing
``sklift/backbones/emoji_tiny/`` (weights as float16, vocabulary, configuration).
OpenMoji is not used here: ``tools/evaluate_emoji.py`` measures the result on it.
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from emoji_sources import VENDORS, load_captions, load_vendor

from sklift.backbones._words import WordTokenizer

HOME = Path(__file__).resolve().parents[1] / "sklift" / "backbones" / "emoji_tiny"
TEMPLATES = ["{}"] * 4 + [
    "a photo of a {}.",
    "a picture of {}",
    "an emoji of {}",
    "a drawing of a {}",
    "this is {}",
]
MODEL = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": 40, "patch_size": 8, "width": 192, "layers": 6, "head_width": 32},
    "text_cfg": {"context_length": 16, "vocab_size": None, "width": 128, "heads": 4, "layers": 2},
}
MAX_WORDS = 3600  # words beyond the most frequent ones are spelt with pieces


def build_vocabulary(captions: dict) -> list[str]:
    """The most frequent caption words, then letters, digits and common endings as pieces."""
    count = collections.Counter(
        word
        for entry in captions.values()
        for text in (*entry["names"], *entry["keywords"])
        for word in text.split()
    )
    count.update({w: 10**6 for t in TEMPLATES for w in t.strip(".").split() if w != "{}"})
    words = sorted(count, key=lambda w: (-count[w], w))[:MAX_WORDS]
    ends = collections.Counter(w[-n:] for w in count for n in (1, 2, 3, 4) if len(w) > n + 2)
    endings = [e for e, _ in sorted(ends.items(), key=lambda x: (-x[1], x[0]))[:200]]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = dict.fromkeys([*(f"##{c}" for c in letters), *(f"##{e}" for e in endings)])
    return list(dict.fromkeys([*words, *letters, *pieces]))


def _bag(entry: dict) -> set[str]:
    """The words of all names and keywords of an emoji."""
    return {w for text in (*entry["names"], *entry["keywords"]) for w in text.split()}


class Pictures:
    """All vendors' pictures, grouped by emoji."""

    def __init__(self, folder: Path, captions: dict):
        self.codes = sorted(captions)
        number = {code: i for i, code in enumerate(self.codes)}
        pictures, self.by_emoji = [], collections.defaultdict(list)
        for package in VENDORS:
            vendor = load_vendor(package, set(captions), folder)
            for code, picture in zip(vendor["codes"], vendor["pictures"], strict=True):
                self.by_emoji[number[str(code)]].append(len(pictures))
                pictures.append(picture)
        self.rgba = torch.from_numpy(np.stack(pictures))  # (n, 64, 64, 4) uint8
        self.emoji = np.array(sorted(self.by_emoji))
        keywords = sorted({k for c in captions.values() for k in c["keywords"]})
        self.keyword_id = {k: i for i, k in enumerate(keywords)}
        self.has = torch.zeros(len(self.codes), len(keywords), dtype=torch.bool)
        count = collections.Counter(w for c in captions.values() for w in _bag(c))
        word_id = {w: i for i, w in enumerate(sorted(w for w in count if count[w] > 1))}
        self.words = torch.zeros(len(self.codes), len(word_id))
        self.names, self.keywords = [], []
        for i, code in enumerate(self.codes):
            self.names.append(captions[code]["names"])
            self.keywords.append(captions[code]["keywords"])
            for k in captions[code]["keywords"]:
                self.has[i, self.keyword_id[k]] = True
            for w in _bag(captions[code]):
                if w in word_id:
                    self.words[i, word_id[w]] = 1
        self.words /= self.words.sum(1, keepdim=True).clamp_min(1)

    def batch(self, rng: np.random.Generator, n_emoji: int):
        """Pictures, captions, which caption fits which picture, and all words of each picture.

        (2n, 64, 64, 4) uint8, list of 2n str, (2n, 2n) bool, (2n, n_words) float summing to 1.
        """
        chosen = rng.choice(self.emoji, n_emoji, replace=False)
        index = []
        for e in chosen:
            own = self.by_emoji[e]
            index.extend(rng.choice(own, 2, replace=len(own) < 2))
        owner = torch.from_numpy(np.repeat(chosen, 2))
        texts, fits = [], torch.zeros(len(owner), len(owner), dtype=torch.bool)
        for row, e in enumerate(owner.tolist()):
            words = self.keywords[e]
            kind = rng.random()
            if words and kind < 0.45:  # keywords alone: they fit every emoji that has them all
                some = list(
                    rng.choice(words, min(len(words), int(rng.integers(1, 4))), replace=False)
                )
                text = " ".join(some)
                ids = [self.keyword_id[k] for k in some]
                fits[row] = self.has[owner][:, ids].all(1)
            else:
                text = self.names[e][int(rng.integers(len(self.names[e])))]
                if words and kind > 0.8:
                    text += " " + " ".join(rng.choice(words, min(len(words), 2), replace=False))
                fits[row] = owner == e
            texts.append(TEMPLATES[int(rng.integers(len(TEMPLATES)))].format(text))
        return self.rgba[index], texts, fits, self.words[owner]


def augment(rgba: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """Random outline, background, placement and colours: (n, 64, 64, 4) uint8 -> (n, 3, s, s).

    The outlines make pictures look as if drawn by one more vendor; the rest is usual.
    """

    def uniform(*shape, low=0.0, high=1.0):
        return torch.rand(*shape, generator=generator) * (high - low) + low

    n = len(rgba)
    x = rgba.permute(0, 3, 1, 2).float() / 255
    colour, alpha = x[:, :3], x[:, 3:]
    # dark lines where the silhouette or the colours change
    grey = colour.mean(1, keepdim=True) * alpha
    inner = F.max_pool2d(grey, 3, 1, 1) + F.max_pool2d(-grey, 3, 1, 1)
    border = F.max_pool2d(alpha, 3, 1, 1) - alpha * (1 - F.max_pool2d(1 - alpha, 3, 1, 1))
    border = torch.where(uniform(n, 1, 1, 1) < 0.5, F.max_pool2d(border, 3, 1, 1), border)
    line = (border + (inner * 3 - 0.3).clamp(0, 1) * (uniform(n, 1, 1, 1) < 0.6)).clamp(0, 1)
    line = line * (uniform(n, 1, 1, 1) < 0.5)
    ink = uniform(n, 1, 1, 1, high=0.15)
    colour = colour * (1 - line) + ink * line
    alpha = torch.maximum(alpha, line)
    white = (uniform(n, 1, 1, 1) < 0.6).float()
    ground = white + (1 - white) * uniform(n, 3, 1, 1)
    x = colour * alpha + ground * (1 - alpha)
    # placement
    angle = (torch.randn(n, generator=generator) * 0.15).clamp(-0.6, 0.6)
    zoom = uniform(n, low=0.8, high=1.35)
    aspect = uniform(n, low=0.9, high=1.1)
    shift = uniform(n, 2, low=-0.15, high=0.15)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack(
        [
            torch.stack([cos * aspect, -sin, shift[:, 0]], 1),
            torch.stack([sin, cos, shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, (n, 3, size, size), align_corners=False)
    x = F.grid_sample(x - ground, grid, mode="bilinear", align_corners=False) + ground
    # colours: hue rotation and saturation in YIQ, then contrast and brightness
    hue = torch.randn(n, generator=generator) * 0.15
    hue = torch.where(uniform(n) < 0.1, uniform(n, low=-3.14, high=3.14), hue)
    saturation = torch.where(uniform(n) < 0.08, torch.zeros(n), uniform(n, low=0.5, high=1.5))
    yiq = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    turn = torch.zeros(n, 3, 3)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = hue.cos() * saturation
    turn[:, 1, 2], turn[:, 2, 1] = -hue.sin() * saturation, hue.sin() * saturation
    x = torch.einsum("nij,njhw->nihw", torch.linalg.inv(yiq) @ turn @ yiq, x)
    contrast, brightness = (
        uniform(n, 1, 1, 1, low=0.7, high=1.3),
        uniform(n, 1, 1, 1, low=-0.12, high=0.12),
    )
    x = (x - 0.5) * contrast + 0.5 + brightness
    return (x.clamp(0, 1) - 0.5) / 0.5


def contrastive_loss(image, text, fits, scale):
    """Cross-entropy both ways against all fitting pairs. ``fits`` is (texts, pictures)."""
    logits = scale * text @ image.T
    target = fits.float()
    to_image = -(F.log_softmax(logits, 1) * target / target.sum(1, keepdim=True)).sum(1).mean()
    column = target.sum(0, keepdim=True).clamp_min(1)
    to_text = -(F.log_softmax(logits, 0) * target / column).sum(0).mean()
    return (to_image + to_text) / 2


def save_atomically(thing, path: Path):
    partial = path.with_suffix(".partial")
    torch.save(thing, partial)
    os.replace(partial, path)


def export(model, vocabulary, config, home: Path):
    """Write weights (float16), vocabulary and configuration that the package loads."""
    from safetensors.torch import save_file

    home.mkdir(parents=True, exist_ok=True)
    state = {k: v.half().contiguous() for k, v in model.state_dict().items() if k != "attn_mask"}
    save_file(state, home / "model.safetensors.partial")
    (home / "model.safetensors.partial").chmod(0o644)
    os.replace(home / "model.safetensors.partial", home / "model.safetensors")
    (home / "vocabulary.txt").write_text("".join(w + "\n" for w in vocabulary), encoding="utf-8")
    (home / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for downloads and checkpoints"
    )
    parser.add_argument("--pictures", type=int, default=1_200_000, help="pictures to train on")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HOME)
    parser.add_argument("--export-now", action="store_true", help="only export the checkpoint")
    args = parser.parse_args(argv)

    from open_clip.model import CLIP

    captions = load_captions(args.work)
    vocabulary = build_vocabulary(captions)
    tokenizer = WordTokenizer(vocabulary, MODEL["text_cfg"]["context_length"])
    config = json.loads(json.dumps(MODEL))
    config["text_cfg"]["vocab_size"] = tokenizer.vocab_size
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(args.seed)
    model = CLIP(**config).to(device)
    config["preprocess"] = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"}
    pictures = Pictures(args.work, captions)
    word_head = torch.nn.Linear(MODEL["vision_cfg"]["width"], pictures.words.shape[1]).to(device)
    weights = [*model.parameters(), *word_head.parameters()]
    decay = [p for p in weights if p.ndim >= 2]
    other = [p for p in weights if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [
            {"params": decay, "weight_decay": args.weight_decay},
            {"params": other, "weight_decay": 0},
        ],
        lr=args.lr,
        betas=(0.9, 0.98),
    )
    steps = args.pictures // args.batch
    warmup = max(1, steps // 30)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda s: min(1, (s + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * min(1, s / steps))),
    )
    checkpoint, start = args.work / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=device)
        model.load_state_dict(state["model"])
        word_head.load_state_dict(state["word_head"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        start = state["step"]
        print(f"continuing at step {start}")
    if args.export_now:
        return export(model, vocabulary, config, args.out)

    feature = {}  # the class token after the last norm, before the projection
    model.visual.ln_post.register_forward_hook(lambda m, i, out: feature.update(x=out[:, 0]))
    print(
        f"{len(pictures.rgba)} pictures of {len(pictures.emoji)} emoji, "
        f"{tokenizer.vocab_size} tokens, {sum(p.numel() for p in model.parameters())} weights"
    )
    size, began, running = config["vision_cfg"]["image_size"], time.time(), []
    model.train()
    for step in range(start, steps):
        # a generator per step: a resumed run sees what an undisturbed one would
        rng = np.random.default_rng([args.seed, step])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rgba, texts, fits, words = pictures.batch(rng, args.batch // 2)
        x = augment(rgba, size, generator).to(device)
        with torch.autocast(device, torch.bfloat16):
            image = model.encode_image(x, normalize=True)
            text = model.encode_text(tokenizer(texts).to(device), normalize=True)
            predicted = word_head(feature.pop("x"))
        loss = contrastive_loss(
            image.float(), text.float(), fits.to(device), model.logit_scale.exp()
        )
        loss = loss + 0.5 * F.cross_entropy(predicted.float(), words.to(device))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        running.append(loss.item())
        if (step + 1) % 50 == 0 or step + 1 == steps:
            rate = (step + 1 - start) * args.batch / (time.time() - began)
            print(
                f"step {step + 1}/{steps}  loss {np.mean(running[-50:]):.3f}  "
                f"scale {model.logit_scale.exp().item():.1f}  {rate:.0f} pictures/s",
                flush=True,
            )
        if (step + 1) % 200 == 0 or step + 1 == steps:
            state = {
                "model": model.state_dict(),
                "word_head": word_head.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "step": step + 1,
            }
            save_atomically(state, checkpoint)
    export(model, vocabulary, config, args.out)


if __name__ == "__main__":
    main()
