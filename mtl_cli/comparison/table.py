"""Tables as plain text, in Markdown and in LaTeX."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ROWS = 50  # in a terminal
LINES = (24, 16, 12)  # letters of a line of a column's name, at least
ARROW = re.compile(r" (?=[↑↓]$)")

LATEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "–": "--", "↓": r"$\downarrow$"}
LATEX |= {"↑": r"$\uparrow$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {char: f"\\{char}" for char in "&%$#_{}"}


@dataclass(frozen=True)
class Grid:
    """A table with a title; its cells are texts.

    Args:
        title: stands above it.
        header: names of the columns.
        rows: the cells.
        bold: (row, column) of the cells that LaTeX sets bold.
        bold_means: says in a sentence what that means.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    bold: frozenset[tuple[int, int]] = frozenset()
    bold_means: str = ""

    def text(self, width: int) -> str:
        """For a terminal: the first `ROWS` rows, within so many characters a line."""
        table = fitted_table(self.header, self.rows[:ROWS], width)
        more = len(self.rows) - ROWS
        end = f"\n({more} more rows in the files)" if more > 0 else ""
        title = textwrap.fill(self.title, width, break_long_words=False, break_on_hyphens=False)
        return f"{title}\n{table}{end}"

    def markdown(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
        return "\n".join([f"**{self.title}**", "", *(f"| {' | '.join(row)} |" for row in cells)])

    def latex(self, name: str = "report") -> str:
        """A ``table`` with rules of the package ``booktabs``, no wider than its column.

        Args:
            name: of its label, ``tab:<name>``.
        """
        right = right_columns(self.rows, len(self.header))
        lines = [
            " & ".join(self.latex_cell(cell, (r, c)) for c, cell in enumerate(row)) + r" \\"
            for r, row in enumerate([self.header, *self.rows], -1)
        ]
        caption = f"{self.title}. {self.bold_means}" if self.bold else self.title
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{latex(caption)}}}",
                rf"\label{{tab:{name}}}",
                r"\begin{adjustbox}{max width=\columnwidth}",
                rf"\begin{{tabular}}{{{''.join('r' if r else 'l' for r in right)}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{adjustbox}",
                r"\end{table}",
            ]
        )

    def latex_cell(self, text: str, place: tuple[int, int]) -> str:
        """A cell; a line that begins with ``[`` would be read as an option of the line before."""
        text = latex(text)
        text = f"{{{text}}}" if text.startswith(("[", "*")) else text
        return rf"\textbf{{{text}}}" if place in self.bold else text


def latex(text: str) -> str:
    return "".join(LATEX.get(char, char) for char in text)


def text_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns side by side: words to the left, numbers to the right, ``–`` where there is none."""
    cells = [[cell(value) for value in row] for row in rows]
    number = [any(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    return lay_out(header, cells, number)


def fitted_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """The same for texts, not wider than ``width`` characters where that can be.

    The first column is wrapped, and said again where the others take several blocks.
    """
    first = max(20, width * 2 // 5)
    wrapped = [textwrap.wrap(row[0], first) or [""] for row in rows]
    widest = max([len(header[0]), *(len(line) for lines in wrapped for line in lines)])
    right = right_columns(rows, len(header))
    blocks: list[list[int]] = [[]]
    left = width - widest
    heads = fitted_heads(header, rows, width - widest)
    for i in range(1, len(header)):
        needed = 2 + max([*map(len, heads[i].splitlines()), *(len(row[i]) for row in rows)])
        if needed > left and blocks[-1]:
            blocks.append([])
            left = width - widest
        blocks[-1].append(i)
        left -= needed
    tables = []
    for block in blocks:
        cells = [
            [line, *(row[i] if number == 0 else "" for i in block)]
            for row, lines in zip(rows, wrapped, strict=True)
            for number, line in enumerate(lines)
        ]
        tables.append(
            lay_out(
                [heads[0], *(heads[i] for i in block)], cells, [False, *(right[i] for i in block)]
            )
        )
    return "\n\n".join(tables)


def fitted_heads(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The names of the columns in lines: as wide as lets all columns be beside each other."""
    found: list[list[str]] = []
    for least in LINES:
        names = [wrapped_head(header, rows, i, least) for i in range(1, len(header))]
        found.append([header[0], *names])
        lines = [[*name.splitlines(), *(row[i] for row in rows)] for i, name in enumerate(names, 1)]
        if sum(2 + max(map(len, own), default=0) for own in lines) <= width:
            return found[-1]
    return found[0]


def wrapped_head(header: Sequence[str], rows: Sequence[Sequence[str]], i: int, least: int) -> str:
    """The name of a column in lines no wider than its cells, or some letters; an arrow stays."""
    widest = max([least, *(len(row[i]) for row in rows)])
    words = ARROW.sub("\u00a0", header[i])
    lines = textwrap.wrap(words, widest, break_long_words=False, break_on_hyphens=False)
    return "\n".join(part for line in lines for part in cut(line, widest)).replace("\u00a0", " ")


def cut(words: str, width: int) -> list[str]:
    """What is longer than a line, cut behind a dot, a comma or an equals sign where it can be."""
    lines = [""]
    for piece in re.findall(r"[^.,=/]*[.,=/]*", words):
        if len(lines[-1]) + len(piece) > width and lines[-1]:
            lines.append("")
        lines[-1] += piece
    return lines


def lay_out(header: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    names = [name.splitlines() or [""] for name in header]
    high = max(map(len, names))
    heads = [[name[n] if n < len(name) else "" for name in names] for n in range(high)]
    widths = [max(len(row[i]) for row in [*heads, *cells]) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        padded = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([*map(line, heads), rule, *map(line, cells)])


def right_columns(rows: Sequence[Sequence[str]], columns: int) -> list[bool]:
    """Whether a column of texts holds numbers."""
    number = re.compile(r"[+-]?\d[\d,.]*(e[+-]\d+)?( ± .*)?")
    return [any(number.fullmatch(row[i]) for row in rows) for i in range(columns)]


def cell(value: Any) -> str:
    """A value as a short text."""
    if value is None or value != value:  # NaN: a metric without a value
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
