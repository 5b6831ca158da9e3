"""The backward graph as a tree: through which operations a loss moves which parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from mtl_cli.basis.errors import check_integer
from mtl_cli.diagnostic.base import (
    Diagnosis,
    Subject,
    count,
    number,
    save_picture,
    short,
    weigh,
    write_rows,
)
from mtl_cli.diagnostic.drawing import make_figure
from mtl_cli.diagnostic.graph import Branch, Graph
from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import label as wrapped

COLUMNS = ["tree", "number", "parent", "depth", "operation", "parameter", "shape"]
COLUMNS += ["gradient_norm", "shared_by"]
MOST_LISTED = 3  # parameters that a branch is said to lead to, where it is cut off
MOST_TREES = 6  # in the picture
MOST_DRAWN = 80  # lines of a tree in the picture
MOST_LETTERS = 88  # of a line
LETTERS_AN_INCH = 22  # in a paper's column
BRANCH, LAST, THROUGH, BLANK = "├─ ", "└─ ", "│  ", "   "


class GradientTree(Diagnosis):
    """For each task's output, and each shared representation, what leads back to the parameters.

    A line is an operation of the backward pass, or a parameter, where its branch ends; with the
    shape of what it made, and the norm of the gradient with respect to that: of the task's loss
    (times the task's weight), of a representation that of the sum. A ``*`` marks what the graphs of
    several tasks have in common, whose names stand where their common part begins; a tensor stacked
    over tasks is common, though no entry of it is. What has been shown already is named again with
    its number, without what is below it.

    Args:
        max_depth: operations from the root to where a branch is cut off; its parameters are then
            listed there.
    """

    name = "gradient_tree"

    def __init__(self, max_depth: int) -> None:
        check_integer("diagnostic.max_depth", max_depth, 1, "diagnostic.max_depth=8")
        self.max_depth = max_depth

    def run(self, subject: Subject) -> str:
        trainer = subject.make_trainer()
        model = trainer.model.train()
        batch = subject.first_batch(trainer)
        outputs: dict[str, Tensor] = {}
        with model.register_forward_hook(lambda module, args, out: outputs.update(out)):
            losses = trainer.updates.forward.losses(batch, model.trained)
        losses = weigh(model.tasks, losses, subject.epoch + 1)
        names = {id(p): short(n) for n, p in model.named_parameters()}
        graph = Graph({task: outputs[task] for task in losses}, names, self.max_depth)
        trees = {
            f"{task}: output {shape(outputs[task].shape)}": graph.tree(outputs[task], loss)
            for task, loss in losses.items()
        }
        total = sum(losses.values())
        assert isinstance(total, Tensor)
        for n, features in enumerate(model.representations, 1):
            which = f" {n}" if len(model.representations) > 1 else ""
            title = f"shared representation{which} {shape(features.shape)}, of the sum"
            trees[title] = graph.tree(features, total)
        rows = [[title, *row] for title, tree in trees.items() for row in as_rows(tree)]
        write_rows(subject.folder, self.name, COLUMNS, rows)
        save_picture(subject.folder, self.name, draw(trees, subject.title))
        lines = ["gradient_tree: from each loss to the parameters; |g|: gradient's norm; *: shared"]
        for title, tree in trees.items():
            lines += ["", title, *(text for text, _ in as_lines(tree))]
        if not model.representations:
            lines += ["", "no shared representation: the tasks part at no single tensor"]
        return "\n".join(lines)


def shape(size: Any) -> str:
    return f"[{', '.join(map(str, size))}]"


def as_rows(root: Branch) -> Iterator[list[Any]]:
    for branch, parent, depth in root.walk():
        where = " ".join(shape(size) for size in branch.shapes)
        yield [
            *(branch.number, parent, depth, branch.operation, branch.parameter, where),
            *(branch.norm, " ".join(branch.shared_by)),
        ]


def as_lines(
    branch: Branch, before: str = "", own: str = "", common: Sequence[str] = ()
) -> Iterator[tuple[str, Branch]]:
    """A line of text for each branch, indented by lines that lead to it.

    Args:
        before: what stands in front of the line.
        own: the piece of the tree in front of this branch.
        common: the tasks that have the branch above in common.
    """
    yield before + own + label(branch, common), branch
    below = before + {"": "", BRANCH: THROUGH, LAST: BLANK}[own]
    for n, child in enumerate(branch.below, 1):
        piece = LAST if n == len(branch.below) else BRANCH
        yield from as_lines(child, below, piece, branch.shared_by)


def label(branch: Branch, common: Sequence[str]) -> str:
    """``AddmmBackward0 [128, 10]  |g| 0.01 * shared by digit, parity``."""
    parts = [branch.parameter or branch.operation]
    parts += [shape(size) for size in branch.shapes]
    if branch.repeated:
        return f"{' '.join(parts)}  = #{branch.number}, above"
    parts += [f"#{branch.number}"] if branch.named_again else []
    parts.append(f" |g| {number(branch.norm)}")
    if branch.shared_by:
        names = ", ".join(branch.shared_by)
        parts.append("*" if branch.shared_by == common else f"* shared by {names}")
    if branch.hidden:
        operations, parameters = branch.hidden
        more = f" … {count(operations, 'more operation')}"
        first = list(parameters.items())[:MOST_LISTED]
        listed = ", ".join(f"{name} |g| {number(norm)}" for name, norm in first)
        others = len(parameters) - len(first)
        listed += f" and {count(others, 'more parameter')}" if others else ""
        parts.append(f"{more} to {listed}" if listed else more)
    return " ".join(parts)


def draw(trees: dict[str, Branch], title: str) -> Any:
    """The trees side by side as indented lines, each over a bar as long as its gradient's norm."""
    kept = list(trees)[-MOST_TREES:]  # the shared representation, where there is one, comes last
    drawn = {name: list(as_lines(trees[name])) for name in kept}
    longest = max(len(lines) for lines in drawn.values())
    rows = min(longest, MOST_DRAWN)
    largest = max(b.norm or 0 for lines in drawn.values() for _, b in lines) or 1.0
    columns = len(drawn)
    size, width = 1.0 + 0.19 * (rows + 1), page().width
    figure, axes = make_figure(f"{title}: backward graphs", 6.2 * columns, size, ncols=columns)
    letters = MOST_LETTERS if width is None else int(width * LETTERS_AN_INCH)
    for axis, (name, lines) in zip(axes[0], drawn.items(), strict=True):
        for y, (text, branch) in enumerate(lines[:rows]):
            color = "#f4b183" if branch.shared_by else "#9dc3e6"
            axis.barh(y, (branch.norm or 0) / largest, color=color, height=0.9, left=0)
            shown = text if len(text) <= letters else f"{text[: letters - 1]}…"
            axis.text(0, y, shown, va="center", fontsize="xx-small", family="monospace")
        if len(lines) > rows:
            left = f"… {len(lines) - rows} more lines in the CSV"
            axis.text(0, rows, left, va="center", fontsize="xx-small")
        axis.set_title(name, fontsize="small", loc="left")
        axis.set(xlim=(0, 1), ylim=(rows + 0.6, -0.6))
        axis.set_axis_off()
    legend = f"bars: norm of the gradient, {largest:.3g} at full width; orange: shared by tasks"
    figure.supxlabel(wrapped(legend, int(figure.get_figwidth() * 15)), fontsize="x-small")
    return figure
