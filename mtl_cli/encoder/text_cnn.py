"""A convolutional network for texts: the strongest match of each filter, anywhere in the text.

Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014,
https://aclanthology.org/D14-1181, section 2 (CNN-rand).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer, check_number, check_widths
from mtl_cli.basis.inputs import InputSpec, Tokens
from mtl_cli.encoder.base import Encoder


class TextCNN(Encoder):
    """Two stages: word vectors, then ``max_i relu(w . x[i : i + h] + b)`` for each filter.

    Stages pass channels first, so word vectors are ``(D, L)``. Padding's vector is zero and is
    never trained: this is how the second stage knows padding from words, and it stays so where an
    architecture mixes the outputs of several first stages.

    The windows i are all that hold a word, with zeros beyond the text's ends. So neither padding
    nor the length of the others in the batch changes a feature, and a text may be shorter than the
    filters; one without words gives zeros. (Section 2 of the paper has windows inside the text
    only; its code pads too, but lets windows of padding alone take part.) The paper's bound on
    the norm of the output's weights is left to the optimizer's decay.

    Args:
        spec: the input, token ids.
        embedding_dim: D, the size of the word vectors.
        widths: h, the widths of the filters in tokens.
        channels: the number of filters of each width; F is their sum.
        dropout: the share of features set to zero in training, from 0 to 1.
    """

    reads = (Tokens,)
    wide_by = ("embedding_dim", "channels")

    def __init__(
        self,
        spec: InputSpec,
        embedding_dim: int,
        widths: Sequence[int],
        channels: int,
        dropout: float,
    ) -> None:
        self.check_reads(spec)
        assert isinstance(spec, Tokens)
        check_integer("encoder.embedding_dim", embedding_dim, 1, "encoder.embedding_dim=300")
        check_widths("encoder.widths", widths, "'encoder.widths=[3,4,5]'")
        check_integer("encoder.channels", channels, 1, "encoder.channels=100")
        check_number("encoder.dropout", dropout, "encoder.dropout=0.5", 0, 1)
        matches = nn.Sequential(
            BestMatches(embedding_dim, widths, channels), *[nn.Dropout(dropout)] * (dropout > 0)
        )
        super().__init__(
            [WordVectors(spec.vocabulary_size, embedding_dim), matches],
            [(embedding_dim, spec.length), (len(widths) * channels,)],
        )


class WordVectors(nn.Module):
    """A vector for each word, drawn from U(-0.25, 0.25) as in the paper's code; 0 for padding."""

    def __init__(self, vocabulary_size: int, dim: int) -> None:
        super().__init__()
        vectors = torch.empty(vocabulary_size, dim).uniform_(-0.25, 0.25)
        vectors[0] = 0
        self.vectors = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)

    def forward(self, x: Tensor) -> Tensor:
        return self.vectors(x).transpose(1, 2)  # [B, D, L]


class BestMatches(nn.Module):
    """Convolutions of several widths, each followed by ReLU and the maximum over the text."""

    def __init__(self, dim: int, widths: Sequence[int], channels: int) -> None:
        super().__init__()
        self.widths = list(widths)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dim, channels, width, padding=width - 1) for width in widths
        )

    def forward(self, x: Tensor) -> Tensor:
        is_word = (x != 0).any(1, keepdim=True).to(x.dtype)  # [B, 1, L]
        best = []
        for width, convolution in zip(self.widths, self.convolutions, strict=True):
            padded = nn.functional.pad(is_word, (width - 1, width - 1))
            has_word = nn.functional.max_pool1d(padded, width, stride=1)  # [B, 1, L + width - 1]
            # What ReLU gives is at least 0, so a window that is set to 0 wins over none.
            best.append((convolution(x).relu() * has_word).amax(2))
        return torch.cat(best, 1)  # [B, F]
