"""Checkpoints: tensors and plain values in one file, written whole or not at all.

They are loaded with ``weights_only``: a file from somebody else is data, never a program. A digest
of all bytes stands behind them, where torch, which looks for the end of a zip archive, passes over
it: torch by itself takes a flipped bit of a weight for another weight.
"""

import hashlib
import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import nn

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.disk.formats import with_format, without_format
from mtl_cli.disk.kinds import CHECKPOINT, misfit
from mtl_cli.disk.older_runs import weights_of_today
from mtl_cli.disk.writing import written

log = logging.getLogger(__name__)

MARK = b"mtl-cli blake2b "  # before the digest
SIZE = 32  # of the digest, in bytes
CHUNK = 2**20
FROZEN = "frozen"  # the digest of the file beside a checkpoint that has what all of a run have
END_SIZE = 22  # of the record at the end of a zip archive, in bytes


class Digested:
    """A file that is written to, and the digest of what was written.

    Args:
        file: open for writing.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.blake2b(digest_size=SIZE)
        self.refusal: OSError | None = None  # of the system, which torch's own error hides

    def write(self, data: Any) -> int:
        self.digest.update(data)
        try:
            return self.file.write(data)
        except OSError as error:
            self.refusal = error
            raise

    def flush(self) -> None:
        self.file.flush()


def save(path: Path, state: dict[str, Any]) -> str:
    """Writes the file, whole or not at all, and its digest behind it; gives the digest."""
    with written(path) as beside, open(beside, "wb") as file:
        digested = Digested(file)
        try:
            torch.save(with_format(state), cast(IO[bytes], digested))  # which asks for no more
        except RuntimeError as error:
            raise digested.refusal or error from None
        file.write(MARK + digested.digest.digest())
    return digested.digest.hexdigest()


def check_digest(path: Path) -> str | None:
    """The digest of a file, if it has one; refuses bytes that are not those that were written."""
    digest, left = hashlib.blake2b(digest_size=SIZE), path.stat().st_size - len(MARK) - SIZE
    with open(path, "rb") as file:
        while left > 0 and (data := file.read(min(CHUNK, left))):
            digest.update(data)
            left -= len(data)
        mark, said = file.read(len(MARK)), file.read(SIZE)
    if mark != MARK:
        check_end(path)
    elif said != digest.digest():
        rule = "must be as it was written; it is damaged"
        found = "other bytes than its digest says"
        raise problem(str(path), rule, found, "another checkpoint of the run, or train anew")
    return said.hex() if mark == MARK else None


def check_end(path: Path) -> None:
    """Refuses a zip archive that something is missing from or was left behind."""
    with open(path, "rb") as file:
        begin = file.read(4)
        file.seek(max(0, path.stat().st_size - END_SIZE))
        end = file.read(4)
    if begin == b"PK\x03\x04" and end != b"PK\x05\x06":
        raise ValueError("a file that does not end as it was written")


def load(path: Path) -> dict[str, Any]:
    """Reads a checkpoint, and the weights that it has from a file beside it.

    Raises:
        ValueError: where a file is missing, truncated, damaged, or holds anything but data.
    """
    state, digest = read(path)
    if digest is None:
        log.warning("%s has no digest: whether a byte of it was damaged cannot be told", path)
    if (wanted := state.get(FROZEN)) is not None:
        beside = path.with_name(f"{FROZEN}.pt")
        frozen, found = read(beside)
        if found != wanted:
            rule = f"must be the file that {path.name} was written with"
            fix = "the run folder as it was, with all that is in checkpoints/"
            raise problem(str(beside), rule, "another one", fix)
        state["model"] |= frozen["model"]
    return state


def read(path: Path) -> tuple[dict[str, Any], str | None]:
    """What a file holds, as far as it is of the kind of a checkpoint, and its digest."""
    try:
        digest = check_digest(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        rule = "must be a run folder with a checkpoint"
        raise problem(
            str(path.parent.parent), rule, f"no {path.name}", "another run folder"
        ) from None
    except pickle.UnpicklingError as error:
        rule = "must hold tensors and plain values alone; it was not loaded, nor any code in it run"
        found = str(error).strip().splitlines()[0]
        raise problem(str(path), rule, found, "a checkpoint that this program wrote") from error
    except Problem:
        raise
    except Exception as error:  # torch raises whatever its reader stumbles over
        found = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        rule = "must be a whole checkpoint; it is truncated or damaged"
        raise problem(
            str(path), rule, found, "another checkpoint of the run, or train anew"
        ) from error
    state = without_format(state, str(path))
    if not isinstance(state, dict) or "model" not in state:
        rule = "must be a checkpoint of this program"
        raise problem(
            str(path), rule, f"a {type(state).__name__}", "a checkpoints/*.pt of a run folder"
        )
    if wrong := misfit(state, CHECKPOINT):
        raise damaged(path, wrong)
    return state, digest


def damaged(path: Path, found: str) -> Problem:
    """Of a checkpoint whose bytes are whole and whose values are not those that were kept."""
    rule = "must hold what a run keeps; it is damaged, or another program's"
    return problem(str(path), rule, found, "another checkpoint of the run, or train anew")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Says of what state, taken back in the block, makes no sense that the checkpoint is damaged.

    Raises:
        ValueError: where anything in the block raises.
    """
    try:
        yield
    except Problem:
        raise
    except Exception as error:  # states of torch's optimizers raise whatever they stumble over
        if ranks.is_broken(error):  # the process that reads it, or waits for it, is no more
            raise
        first = str(error).strip().splitlines()[:1]
        raise damaged(path, ": ".join([type(error).__name__, *first])) from error


def load_weights(model: nn.Module, weights: dict[str, Any], path: Path) -> None:
    """Puts a checkpoint's weights into the model.

    Raises:
        ValueError: where they are another model's.
    """
    weights = weights_of_today(weights)
    check_weights(model, weights, path)
    with reading(path):
        model.load_state_dict(weights)


def check_weights(model: nn.Module, weights: dict[str, Any], path: Path) -> None:
    """Refuses weights of another model."""
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in weights.items()}
    if own != theirs:
        names = sorted(n for n in own.keys() | theirs.keys() if own.get(n) != theirs.get(n))
        lines = [
            f"{n}: {theirs.get(n, 'not there')} for {own.get(n, 'nothing')}" for n in names[:3]
        ]
        more = f", and {len(names) - 3} more" if len(names) > 3 else ""
        rule = "must be of a model of the same configuration"
        raise problem(
            str(path), rule, "; ".join(lines) + more, "the settings of that run (config.yaml)"
        )
