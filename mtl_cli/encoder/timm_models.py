"""Models of timm: their names, and their weights as data alone.

Weights are read by safetensors, or by torch's loader of weights alone; nothing of a folder is
executed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.hub import library

SLOT, ASKS, HUB = "encoder.weights", "encoder=timm", "hub"
FILES = ("model.safetensors", "pytorch_model.bin")
SHOWN = 5  # wrong names in an error
# Said by the run, or by other options; `drop_rate` is of the classifier, which is not there.
TAKEN = ("checkpoint_path", "drop_rate", "features_only", "img_size", "in_chans", "num_classes")
RULE = "must be weights of this network: hub, a file, or a folder with model.safetensors"


@contextmanager
def silent() -> Iterator[None]:
    """Without what the library logs of weights that are fitted."""
    log = logging.getLogger("timm")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def check_name(model: Any) -> None:
    """Refuses what is no name of timm's, or a tag of weights that the model has not."""
    timm = library("timm", ASKS)
    name, _, tag = str(model).partition(".")
    if not timm.is_model(name):
        known = timm.list_models()
        rule = f"must be one of the {len(known)} models of timm.list_models()"
        close = nearest(name, known)
        raise problem("encoder.model", rule, model, f"encoder.model={close or 'resnet18'}")
    tags = sorted(own.partition(".")[2] for own in timm.models.get_arch_pretrained_cfgs(name))
    if tag and tag not in tags:
        close = nearest(tag, tags)
        rule = f"must end in a tag of weights of {name}: {', '.join(tags) or 'there is none'}"
        raise problem(
            "encoder.model", rule, model, f"encoder.model={name}" + f".{close}" * bool(close)
        )


def check_options(options: Any) -> dict[str, Any]:
    """The options of timm's function for a model: numbers, words and lists of them."""
    fix = "'encoder.options={drop_path_rate: 0.1}'"
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise problem("encoder.options", "must be options of the model by name", options, fix)
    for name, value in options.items():
        if name in TAKEN or name.startswith(("pretrained", "cache", "feature")):
            rule = "must not be among encoder.options: the run says it"
            raise problem(str(name), rule, value, f"'~encoder.options.{name}'")
        values = value if isinstance(value, list | tuple) else [value]
        if not all(own is None or isinstance(own, bool | int | float | str) for own in values):
            rule = "must be a number, a word, or a list of those"
            raise problem(f"encoder.options.{name}", rule, value, fix)
    return dict(options)


def draw(model: str, shape: tuple[int, ...], options: Mapping[str, Any], **more: Any) -> Any:
    """A network without classifier, drawn at random; ``more`` may say otherwise.

    Raises:
        ValueError: where it does not take the options.
    """
    timm = library("timm", ASKS)
    own = {"num_classes": 0, "in_chans": shape[0], **options, **more}
    with silent():
        try:
            try:  # networks of a fixed size of the picture
                return timm.create_model(model, img_size=tuple(shape[1:]), **own)
            except TypeError as error:
                if "img_size" not in str(error):
                    raise
                return timm.create_model(model, **own)
        except (TypeError, ValueError, AssertionError, KeyError, IndexError) as error:
            rule = f"must be what {model} takes"
            found = f"{dict(options)}: {type(error).__name__}: {error}"
            raise problem("encoder.options", rule, found, "encoder.options=null") from error


def read_folder(model: str, weights: str | None) -> dict[str, Any]:
    """What the ``config.json`` of a folder of weights says; empty where there is none.

    Raises:
        ValueError: where that is of another network, or cannot be read.
    """
    if weights in (None, HUB) or not Path(weights).expanduser().is_dir():
        return {}
    file = Path(weights).expanduser() / "config.json"
    if not file.is_file():
        return {}
    try:
        own = json.loads(file.read_text(encoding="utf-8"))
        name = own["architecture"]
    except (ValueError, KeyError, TypeError) as error:
        rule = "must be a folder with a config.json that names timm's architecture"
        found = f"{file}: {type(error).__name__}: {error}"
        raise problem(SLOT, rule, found, f"{SLOT}=<the file of weights>") from error
    if name != model.partition(".")[0]:
        rule = f"must be weights of {model}"
        raise problem(SLOT, rule, f"those of {name} in {weights}", f"encoder.model={name}")
    return dict(own)


def load(
    model: str, shape: tuple[int, ...], options: Mapping[str, Any], weights: str, offline: bool
) -> tuple[Any, list[tuple[float, float]] | None]:
    """A network with its weights, and mean and deviation of the colours that they read; None: where
    it reads no three colours.

    Raises:
        ValueError: where there are none, they are of another network, or in a pickle that could do
            anything when it is read.
    """
    timm = library("timm", ASKS)
    known = timm.get_pretrained_cfg(model)
    own = read_folder(model, weights)
    said = {**known.to_dict(), **own.get("pretrained_cfg", {})}
    file = find(model, weights, known, offline)
    try:
        with silent():
            state = timm.models.load_state_dict(str(file), weights_only=True)
    except Exception as error:  # of a file: its libraries have no base class
        rule = "must be tensors alone: safetensors, or a file that torch reads as weights only"
        found = f"{file}: {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        raise problem(SLOT, rule, found, where_to_put(model, known)) from error
    classifier = said.get("classifier")
    first = classifier if isinstance(classifier, str) else next(iter(classifier or ()), None)
    rows = state.get(f"{first}.weight")
    sizes = [0 if rows is None else len(rows), known.num_classes]
    source = {"state_dict": state, "label_offset": 0, "url": "", "hf_hub_id": None, "file": None}
    for count in dict.fromkeys(sizes):
        overlay = {**source, "state_dict": dict(state), "num_classes": count}
        with_all = {"pretrained": True, "pretrained_cfg_overlay": overlay, "num_classes": count}
        try:
            whole = draw(model, shape, options, **with_all)
            break
        except RuntimeError as error:
            failed = error
    else:
        wrong = [line.strip() for line in str(failed).splitlines()[1:]][:SHOWN]
        found = f"{file}: {' '.join(wrong) or failed}"[:300]
        raise problem(SLOT, f"must be weights of {model}", found, where_to_put(model, known))
    net = draw(model, shape, options)
    there = whole.state_dict()
    net.load_state_dict({name: there[name] for name in net.state_dict()})
    net.pretrained_cfg = said
    colours = list(zip(said["mean"], said["std"], strict=True))
    return net, colours if len(colours) == shape[0] else None


def find(model: str, weights: str, known: Any, offline: bool) -> Path:
    """The file of weights."""
    fix = where_to_put(model, known)
    if weights != HUB:
        path = Path(weights).expanduser()
        files = [path / name for name in FILES] if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                return file
        found = f"no {' or '.join(FILES)} in {path}" if path.is_dir() else f"no {path}"
        raise problem(SLOT, RULE, found, fix)
    if not known.hf_hub_id:
        rule = "must be a file: timm names none on the hub for this model"
        raise problem(SLOT, rule, f"{HUB} with encoder.model={model}", f"{SLOT}=<a file of them>")
    hub = library("huggingface_hub", ASKS)
    said: Exception | None = None
    for name in [known.hf_hub_filename] if known.hf_hub_filename else FILES:
        try:
            return Path(hub.hf_hub_download(known.hf_hub_id, name, local_files_only=offline))
        except Exception as error:  # of the network, the hub or the disk
            said = said or error
    found = f"{known.hf_hub_id}: {type(said).__name__}: {next(iter(str(said).splitlines()), '')}"
    raise problem(SLOT, RULE, found + " (offline=true)" * offline, fix) from said


def where_to_put(model: str, known: Any) -> str:
    """How weights come to where they are looked for."""
    if known is None or not known.hf_hub_id:
        return f"{SLOT}=<a file of weights of {model}>"
    folder = Path("models") / Path(known.hf_hub_id).name
    return f"{SLOT}={folder}, after: hf download {known.hf_hub_id} --local-dir {folder}"
