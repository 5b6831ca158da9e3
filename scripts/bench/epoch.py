"""One epoch of the ParityMNIST notebook's job."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bench.measure import Row, in_turn, made

cross_entropy = nn.functional.cross_entropy

NOTEBOOK = ["experiment=parity_mnist_notebook", "trainer.max_epochs=1", "trainer.watch_test=false"]


def notebook_parts() -> tuple[nn.Module, nn.Module, nn.Module, torch.optim.Optimizer]:
    """The notebook's model, and its optimizer as the experiment sets it."""
    trunk = nn.Sequential(nn.Linear(784, 100), nn.ReLU())
    digit, parity = nn.Linear(100, 10), nn.Linear(100, 2)
    parameters = [*trunk.parameters(), *digit.parameters(), *parity.parameters()]
    options: dict[str, Any] = {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    return trunk, digit, parity, torch.optim.SGD(parameters, lr=0.001, fused=True, **options)


def notebook_step(parts: Any, image: Tensor, digit: Tensor, parity: Tensor) -> None:
    trunk, digit_head, parity_head, optimizer = parts
    features = trunk(image)
    loss = cross_entropy(digit_head(features), digit)
    loss = loss + 0.5 * cross_entropy(parity_head(features), parity)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def epoch_rows() -> Iterator[Row]:
    """Against a bare loop over tensors, and against a DataLoader that transforms each image."""
    run = made(*NOTEBOOK)
    table = run.dataset.splits["train"]  # type: ignore[attr-defined]
    bytes_ = table.inputs["image"]
    digits, parities = table.targets["digit"], table.targets["parity"]
    images = (bytes_.float() / 255 - 0.1307) / 0.3081
    count = len(images)

    def ours() -> None:
        runs.pop().trainer.fit()

    def bare() -> None:
        parts = notebook_parts()
        order = torch.randperm(count)
        for i in range(0, count - 127, 128):
            rows = order[i : i + 128]
            notebook_step(parts, images[rows].flatten(1), digits[rows], parities[rows])

    repeats = 30
    runs = [made(*NOTEBOOK) for _ in range(repeats + 1)]
    seconds = in_turn([ours, bare], repeats)
    name = f"epoch: {count:,} images ({run.dataset.source})"
    yield Row(name, "bare tensor loop", seconds, seconds[0] / seconds[1], "at most 1.05")

    from PIL import Image  # what torchvision's own MNIST gives its transforms
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.1307,), (0.3081,)),
        ]
    )

    class Images(torch.utils.data.Dataset):
        arrays = bytes_.squeeze(1).numpy()

        def __len__(self) -> int:
            return count

        def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
            return transform(Image.fromarray(self.arrays[i])), digits[i], parities[i]

    def by_loader() -> None:
        parts = notebook_parts()
        loader = torch.utils.data.DataLoader(Images(), 128, shuffle=True, drop_last=True)
        for image, digit, parity in loader:
            notebook_step(parts, image.flatten(1), digit, parity)

    begin = time.perf_counter()
    by_loader()
    slow = time.perf_counter() - begin
    reference = "DataLoader, v2 transforms on each image"
    yield Row(name, reference, [seconds[0], slow], slow / seconds[0], "at least 20")
