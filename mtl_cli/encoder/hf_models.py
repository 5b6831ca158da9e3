"""Models of Hugging Face's library for texts: their configuration and weights, as data alone.

Weights are read by safetensors, or by torch's loader of weights alone; nothing of a folder is
executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mtl_cli.basis.errors import problem
from mtl_cli.basis.hub import check_there, library, not_there, where, where_to_put
from mtl_cli.encoder.hf_families import FAMILIES

SLOT, ASKS = "encoder.model", "encoder=hf_text"
RULE = (
    "must be a folder with config.json and weights (safetensors, or a file of tensors alone and no "
    "other pickle), or a model's name on huggingface.co"
)
LABELS = {"id2label", "label2id", "architectures", "transformers_version", "_name_or_path"}
NOT_KEPT = LABELS | {"dtype", "torch_dtype", "auto_map"}  # of a configuration: of other uses
POOLER = "pooler."  # of features, which is not read


@contextmanager
def silent() -> Iterator[None]:
    """Without the library's bars and advice, of weights that are not read, say."""
    logging = library("transformers", ASKS).utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def read_config(model: str, offline: bool) -> dict[str, Any]:
    """The configuration of a model, as words and numbers.

    Raises:
        ValueError: where there is none, or it is of a family that cannot be cut.
    """
    transformers, path = library("transformers", ASKS), Path(model).expanduser()
    check_there(SLOT, model)
    if path.is_dir() and not (path / "config.json").is_file():
        rule = "must be a folder with config.json and weights (model.safetensors)"
        raise problem(SLOT, rule, f"no config.json in {model}", where_to_put(SLOT, model))
    try:
        with silent():
            config = transformers.AutoConfig.from_pretrained(
                where(model),
                local_files_only=offline,
                trust_remote_code=False,
            )
    except Exception as error:  # of the network, the hub or a file: the library has no base class
        raise not_there(SLOT, RULE, model, offline, error) from error
    plain = json.loads(config.to_json_string(use_diff=False))
    check_family(plain)
    return {key: value for key, value in plain.items() if key not in NOT_KEPT}


def check_family(config: Mapping[str, Any]) -> None:
    """Refuses a configuration of a family that cannot be cut."""
    if not isinstance(config, Mapping) or config.get("model_type") not in FAMILIES:
        rule = f"must be of a family that can be cut into stages: {', '.join(FAMILIES)}"
        found = config.get("model_type") if isinstance(config, Mapping) else config
        raise problem(SLOT, rule, found, f"{SLOT}=<a model of one of these>")


def known(config: Mapping[str, Any], drops: bool) -> Any:
    """A configuration as the library has it; without any dropout, where nothing ``drops`` out."""
    own = library("transformers", ASKS).AutoConfig.for_model(**config)
    for key in own.to_dict() if not drops else ():
        if "dropout" in key:
            setattr(own, key, 0.0)
    return own


def draw(config: Mapping[str, Any], drops: bool) -> Any:
    """A model drawn at random.

    Raises:
        ValueError: where the configuration is none of its family.
    """
    check_family(config)
    transformers = library("transformers", ASKS)
    try:
        own = known(config, drops)
        with silent():
            return transformers.AutoModel.from_config(own, dtype=torch.get_default_dtype())
    except Exception as error:  # whatever a wrong size leads to
        if "overflow" in str(error):
            raise
        rule, found = (
            f"must be options of {config['model_type']}",
            f"{type(error).__name__}: {error}",
        )
        fix = f"'encoder.config={{model_type: {config['model_type']}, hidden_size: 128}}'"
        raise problem("encoder.config", rule, found, fix) from error


def load(model: str, config: Mapping[str, Any], drops: bool, offline: bool) -> Any:
    """A model with its weights.

    Raises:
        ValueError: where there are none, they are of another model, or in a pickle that could do
            anything when it is read.
    """
    transformers = library("transformers", ASKS)
    check_there(SLOT, model)
    try:
        with silent():
            found, info = transformers.AutoModel.from_pretrained(
                where(model),
                config=known(config, drops),
                dtype=torch.get_default_dtype(),
                local_files_only=offline,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
            )
    except Exception as error:  # see `read_config`
        raise not_there(SLOT, RULE, model, offline, error) from error
    if missing := sorted(key for key in info["missing_keys"] if not key.startswith(POOLER)):
        rule = "must hold all weights of its configuration"
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise problem(SLOT, rule, f"no {missing[0]}{more} in {model}", where_to_put(SLOT, model))
    return found


def at(model: nn.Module, path: str | None) -> Any:
    """A module of a model."""
    return None if path is None else model.get_submodule(path)
