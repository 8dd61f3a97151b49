"""Backbones: a frozen image tower and all that belongs to it."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import blake2b
from threading import Lock

import numpy as np
import torch
from torch import nn

from .._compute._speed_up import optional, require_same, without_autocast
from .._store._memory import MemoryArrays
from ._blocks import find_blocks
from ._fast._attention import use_fast_attention
from ._fast._first_token import compute_first_token_only
from ._plain import make_all_plain
from ._probe import probe_features, require_shapes
from ._sites import Block
from ._spec import BackboneSpec, Preprocess
from ._stages import SLOWER, find_stages
from ._towers._transformers import PooledFeature, gives_output_of_many

_MOST_TEXT = 1 << 27  # bytes of text features that are kept
_TEXTS_AT_ONCE = 4096


@dataclass(frozen=True)
class TextTower:
    """Text side of a CLIP-like model.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> load_backbone("emoji-tiny").text.encode(["a red fox", "a lynx"]).shape
    torch.Size([2, 128])
    """

    model: nn.Module
    tokenizer: Callable

    @torch.no_grad()
    def encode(self, texts: Sequence[str], batch_size: int = 256) -> torch.Tensor:
        """Return unit-length text features, ``(n_texts, embed_dim)`` float32."""
        texts = list(texts)
        return torch.cat(
            [
                self.model.encode_text(self.tokenizer(texts[i : i + batch_size]), normalize=True)
                for i in range(0, len(texts), batch_size)
            ]
        ).float()

    def truncated(self, texts: Sequence[str], batch_size: int = 256) -> list[str]:
        """Return the texts that are longer than the tower reads: it never sees their ends.

        Examples
        --------
        >>> from sklift.backbones import load_backbone
        >>> load_backbone("emoji-tiny").text.truncated(["cat", "very " * 20 + "long hair"])[0][-9:]
        'long hair'
        """
        texts, too_long = list(texts), []
        n_read = self.tokenizer([""]).shape[1]
        for i in range(0, len(texts), batch_size):
            some = texts[i : i + batch_size]
            tokens = self.tokenizer([*some, ""], context_length=8 * n_read)
            padding = tokens[-1, -1]
            longer = (tokens[:-1, n_read:] != padding).any(1).tolist()
            too_long += [text for text, is_longer in zip(some, longer, strict=True) if is_longer]
        return too_long

    def unread(self, texts: Sequence[str], batch_size: int = 256) -> list[str]:
        """The texts of which the tokenizer knows nothing: no token, or only that of the unknown.

        Examples
        --------
        >>> from sklift.backbones import load_backbone
        >>> load_backbone("emoji-tiny").text.unread(["fox", "\u72d0"]) == ["\u72d0"]
        True
        """
        # a character of private use is in no vocabulary
        nothing = set(self.tokenizer(["", "\ue000"]).flatten().tolist())
        texts, unread = list(texts), []
        for i in range(0, len(texts), batch_size):
            some = texts[i : i + batch_size]
            tokens = self.tokenizer(some).tolist()
            unread += [t for t, own in zip(some, tokens, strict=True) if nothing.issuperset(own)]
        return unread


@dataclass(eq=False)
class OpenTower:
    """A tower opened for injection: adapters change ``module`` and ``blocks`` in place.

    Attributes
    ----------
    module : nn.Module
        Normalised pictures -> features.
    blocks : list of Block
        The attachment sites, in order of depth.
    n_features : int
        Width of the feature.
    name : str
        For messages.
    after : nn.Module
        Modules that the feature passes at last: an adapter of the feature is appended here.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> tower = load_backbone("emoji-tiny").open()
    >>> tower.n_features, len(tower.blocks), tower.patch_size
    (192, 6, 8)
    """

    module: nn.Module
    blocks: list[Block]
    n_features: int
    name: str
    after: nn.Sequential = field(default_factory=nn.Sequential)

    def finished(self) -> nn.Module:
        """Return the module, without what the feature doesn't need; injection ends here."""
        compute_first_token_only(self.module)
        return self.module

    @property
    def patch_size(self) -> int:
        """Side in pixels of the patch that becomes one token."""
        for module in self.module.modules():
            if isinstance(size := getattr(module, "patch_size", None), tuple):
                return size[0]
        raise ValueError(f"{self.name} has no patches")


@dataclass(eq=False)
class Backbone:
    """Frozen tower, shared by every estimator of the process.

    Attributes
    ----------
    tower : nn.Module
        Normalised pictures ``(n, 3, size, size)`` -> features ``(n, n_features)``, before any
        linear projection into a joint space. Frozen, in eval mode: never change it, inject into
        what :meth:`open` returns.
    preprocess : Preprocess
        The pictures that the tower expects.
    n_features : int
        Width of the feature. For a tower of your own it is found by a trial.
    find_blocks : callable
        ``tower -> list of Block``: the attachment sites, in order of depth; empty for towers
        without layers of a known kind. By default found by the names of parts that open_clip and
        timm use, or else by how modules are nested and repeated.
    projection : Tensor of shape (n_features, embed_dim) or None
        The linear map into the space shared with text; None where the feature is there already.
    text : TextTower or None
        None for vision-only weights.
    logit_scale : float
        The temperature of zero-shot logits.
    spec : BackboneSpec
        Description by which it is loaded again. Where it is left out, the tower is one of your own:
        it is tried with pictures of noise, and the backbone holds a copy on the CPU, in eval mode,
        that shares the weights.

    Examples
    --------
    >>> import torch
    >>> from sklift.backbones import Backbone, Preprocess, load_backbone
    >>> backbone = load_backbone("emoji-tiny")
    >>> with torch.no_grad():
    ...     backbone.tower(torch.zeros(1, 3, 40, 40)).shape
    torch.Size([1, 192])
    >>> own = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten())
    >>> Backbone(own, Preprocess(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))).n_features
    12
    """

    tower: nn.Module
    preprocess: Preprocess
    n_features: int = 0
    find_blocks: Callable[[nn.Module], list[Block]] = find_blocks
    projection: torch.Tensor | None = None
    text: TextTower | None = None
    logit_scale: float = 100.0
    spec: BackboneSpec = None  # type: ignore[assignment]  # filled in
    probe: torch.Tensor | None = field(default=None, init=False, repr=False)
    _moved: dict = field(default_factory=dict, repr=False)
    _texts: MemoryArrays = field(default_factory=partial(MemoryArrays, _MOST_TEXT), repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self):
        is_own = self.spec is None
        if is_own:
            self.spec = BackboneSpec(type(self.tower).__name__)
            self.preprocess = self.preprocess.checked()
            self.tower = _own_copy(self.tower)
            if gives_output_of_many(self.tower):
                self.tower = PooledFeature(self.tower)
        for module in (self.tower, *([self.text.model] if self.text else [])):
            module.eval().requires_grad_(False)
        use_fast_attention(self.tower)
        if is_own:
            self.probe = probe_features(self.tower, self.preprocess, f"backbone {self.spec}")
            if self.n_features not in (0, len(self.probe)):
                raise ValueError(
                    f"backbone {self.spec}: n_features={self.n_features}, but the tower gives "
                    f"{len(self.probe)} features"
                )
            self.n_features = len(self.probe)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the tower's weights and statistics, by name."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.tower.state_dict().items()):
            if isinstance(tensor, torch.Tensor):  # modules may have a state that is something else
                values = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
                digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
                digest.update(values.numpy())
        return digest.hexdigest()

    @property
    def identity(self) -> tuple:
        """Identity of the features: the weights, how the tower computes with them, its pictures."""
        # The code of a user's tower may have changed where its weights have not.
        probe = None if self.probe is None else blake2b(self.probe.numpy(), digest_size=16)
        computation = () if probe is None else (probe.hexdigest(),)
        return self.checksum, self.spec.name, self.spec.params, self.preprocess, *computation

    @cached_property
    def has_stages(self) -> bool:
        """True if the tower has stages that together compute the same as the whole."""
        with optional(SLOWER):
            if (stages := find_stages(self.tower)) is None:
                return False
            size, generator = self.preprocess.size, torch.Generator().manual_seed(0)
            view = torch.randn(1, 3, size, size, generator=generator)
            with without_autocast(view):
                require_same(stages.after(stages.before(view, 1), 1), self.tower(view))
            return True
        return False

    @cached_property
    def width(self) -> int:
        """Width of the block in the middle; of a tower without blocks, that of the feature."""
        blocks = self.find_blocks(self.tower)
        return blocks[len(blocks) // 2].width if blocks else self.n_features

    @property
    def is_empty(self) -> bool:
        """True if there is no tower, as for precomputed features."""
        return self.spec.name == "precomputed"

    def open(
        self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> OpenTower:
        """Return a copy of the tower's modules that shares its frozen tensors on ``device``.

        Modules can be swapped and parameters replaced in the copy without touching the original,
        and the copy costs milliseconds and no memory for weights.
        """
        target = (torch.device(device), dtype)
        with self._lock, torch.inference_mode(False):  # what is cached must allow gradients
            if target != (torch.device("cpu"), torch.float32) and target not in self._moved:
                self._moved[target] = share_copy(self.tower, lambda t: _move(t, *target))
        module = share_copy(self._moved.get(target, self.tower))
        return OpenTower(module, self.find_blocks(module), self.n_features, str(self.spec))

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """Project features ``(n, n_features)`` to the space of text, unit ``(n, embed_dim)``."""
        if self.projection is not None:
            features = features @ self.projection.to(features)
        return torch.nn.functional.normalize(features, dim=-1)

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Return unit-length text features ``(n_texts, embed_dim)``."""
        return self.mean_texts([[text] for text in texts])

    def mean_texts(self, groups: Sequence[Sequence[str]]) -> torch.Tensor:
        """Return the mean text feature of each group of texts, ``(n_groups, embed_dim)`` float32.

        The features are of unit length, their mean may be shorter. It is computed once per group;
        neither texts nor the features of more than a few of them are kept.
        """
        if self.text is None:
            raise ValueError(f"backbone {self.spec} has no text tower")
        means = []
        for some in _in_parts(groups):
            keys = [blake2b(repr(list(own)).encode(), digest_size=16).digest() for own in some]
            known = self._texts.find(keys)
            new = {key: own for key, own in zip(keys, some, strict=True) if key not in known}
            if new:
                texts = list(dict.fromkeys(text for own in new.values() for text in own))
                rows = dict(zip(texts, self.text.encode(texts), strict=True))
                found = {k: torch.stack([rows[t] for t in own]).mean(0) for k, own in new.items()}
                computed = {key: mean.numpy() for key, mean in found.items()}
                self._texts.add(computed)
                known |= computed
            means += [known[key] for key in keys]
        return torch.from_numpy(np.stack(means))


def _in_parts(groups: Sequence[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Groups of texts, those together whose texts are encoded together."""
    some: list[Sequence[str]] = []
    n_texts = 0
    for own in groups:
        if some and n_texts + len(own) > _TEXTS_AT_ONCE:
            yield some
            some, n_texts = [], 0
        some.append(own)
        n_texts += len(own)
    if some:
        yield some


def _move(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(device, dtype if tensor.is_floating_point() else None)


def share_copy(module: nn.Module, move: Callable | None = None) -> nn.Module:
    """Copy modules deeply; tensors share the values of the original, or of ``move(original)``."""
    memo = {}
    for tensor in (*module.parameters(), *module.buffers()):
        # `data` has a change counter of its own: what torch takes for a change here, such as a
        # re-parametrisation, must not break the backward pass of others.
        values = tensor.data if move is None else move(tensor.detach())
        is_weight = isinstance(tensor, nn.Parameter)
        memo[id(tensor)] = nn.Parameter(values, requires_grad=False) if is_weight else values
    return copy.deepcopy(module, memo)


def _own_copy(tower: nn.Module) -> nn.Module:
    """Copy a user's tower to the CPU, in float32; weights are shared where they can be.

    Weights that its modules compute out of others become plain ones, which adapters can train.
    Modes, hooks and classes of the original stay as they are, whatever is done to the copy.
    """
    if not isinstance(tower, nn.Module):
        raise TypeError(f"the tower of a backbone must be an nn.Module, got {tower!r}")
    if any(isinstance(module, torch.jit.ScriptModule) for module in tower.modules()):
        raise TypeError(
            f"backbone {type(tower).__name__} is compiled by torch.jit, and its parts can't be "
            "reached: pass the module that it was made of, with its weights"
        )
    require_shapes(tower)
    to_cpu = partial(_move, device=torch.device("cpu"), dtype=torch.float32)
    try:
        copied = share_copy(tower, to_cpu).eval()
    except Exception as error:
        raise ValueError(
            f"backbone {type(tower).__name__}: its modules can't be copied ({error}); keep tensors "
            "that are computed out of it, or register them as buffers; after torch.nn.utils's "
            "weight_norm or spectral_norm call remove_weight_norm or remove_spectral_norm"
        ) from error
    make_all_plain(copied)
    return copied
