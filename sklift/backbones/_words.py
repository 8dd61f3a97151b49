"""Word-level tokenizer for the embedded backbone's small text tower."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


class WordTokenizer:
    """Tokenizer that splits text into known words, and unknown words into known pieces.

    The vocabulary is a list of words; an entry that starts with ``##`` continues a word, as in
    WordPiece (Wu et al., 2016, arXiv 1609.08144). Index 0 pads, the two ids after the vocabulary
    are start and end of text; the end has the highest id, which is where open_clip's text towers
    read their feature.

    Parameters
    ----------
    vocabulary : sequence of str
        Words, in the order of their ids (the first one has id 1).
    context_length : int
        Number of tokens of a text, start and end included.
    """

    def __init__(self, vocabulary: Sequence[str], context_length: int = 16):
        self.vocabulary = list(vocabulary)
        self.context_length = context_length
        self._ids = {word: i for i, word in enumerate(self.vocabulary, start=1)}
        self.sot = len(self.vocabulary) + 1
        self.eot = self.sot + 1

    @property
    def vocab_size(self) -> int:
        """Number of distinct ids, padding, start and end included."""
        return self.eot + 1

    @classmethod
    def from_file(cls, path: str | Path, context_length: int = 16) -> WordTokenizer:
        """Read a vocabulary with one word per line."""
        return cls(Path(path).read_text(encoding="utf-8").split("\n")[:-1], context_length)

    def encode(self, text: str) -> list[int]:
        """Return the ids of the tokens of a text, without start, end, padding or truncation."""
        return [i for word in re.findall(r"[a-z0-9]+", text.lower()) for i in self._word(word)]

    def _word(self, word: str) -> list[int]:
        pieces, start = [], 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                if (i := self._ids.get(mark + word[start:end])) is not None:
                    pieces.append(i)
                    start = end
                    break
            else:  # a character the vocabulary lacks altogether
                start += 1
        return pieces

    def __call__(self, texts: str | Iterable[str], context_length: int | None = None):
        """Return the ids of texts, ``(n_texts, context_length)`` int64, truncated at the end."""
        import torch

        texts = [texts] if isinstance(texts, str) else list(texts)
        length = context_length or self.context_length
        out = torch.zeros(len(texts), length, dtype=torch.long)
        for row, text in zip(out, texts, strict=True):
            ids = [self.sot, *self.encode(text)[: length - 2], self.eot]
            row[: len(ids)] = torch.tensor(ids)
        return out
