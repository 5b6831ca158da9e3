"""YAML from somebody else: plain values, or one line that says why not, at once."""

import random
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from mtl_cli.disk.literal import literal
from mtl_cli.disk.yaml_file import MOST_VALUES, Loader, read_yaml

LAUGHS = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(20)
)
MERGED = LAUGHS.replace("[", "{<<: [").replace("]", "]}")
REFUSED = {
    LAUGHS: "an alias",
    MERGED: "an alias",
    "a: &a [*a]": "an alias",
    "[" * 60 + "]" * 60: "deep",
    "[" * 100_000: "nesting|deep",
    "- " * 3000 + "1": "nesting|deep",
    "{a: " * 100_000: "nesting|deep",
    "a: 1\na: 2": "twice",
    "? [1]\n: 2": "a key",
    "a: !!python/object/apply:os.system [ls]": "no plain value",
    "a: !!binary aGk=": "no plain value",
    "a: [1": "expected",
    f"[{'1,' * (MOST_VALUES + 1)}]": "more than",
    "a: " + "9" * 5000: "limit",
    "a\0b: 1": "not allowed|unacceptable",
}


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_beyond_the_bounds_is_refused_in_one_line(tmp_path: Path, number: int) -> None:
    text, why = list(REFUSED.items())[number]
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ValueError, match=why) as error:
        read_yaml(tmp_path / "a.yaml")
    assert len(str(error.value).splitlines()) == 1


def test_a_file_of_other_bytes_or_none_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(ValueError, match="decode"):
        read_yaml(tmp_path / "a.yaml")
    with pytest.raises(ValueError, match="directory"):
        read_yaml(tmp_path)
    with pytest.raises(ValueError, match="No such file"):
        read_yaml(tmp_path / "b.yaml")


def test_the_values_are_those_that_omegaconf_wrote(tmp_path: Path) -> None:
    values = {"a": [1, 1.5, 1e-9, float("inf"), True, None, "", "yes", "1e3", "2024-01-31", "1:30"]}
    values |= {"b": {"null": "null", "3": "3"}, "c": [[], {}, "# a", "a: b", "\\", "<<", "ä\n"]}
    OmegaConf.save(OmegaConf.create(values), tmp_path / "a.yaml")
    assert read_yaml(tmp_path / "a.yaml") == values


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("[1e-3, 2E5, 1.0e-3, 7]")
    assert read_yaml(tmp_path / "a.yaml") == [0.001, 200000.0, 0.001, 7]
    assert Loader.yaml_implicit_resolvers is not yaml.SafeLoader.yaml_implicit_resolvers


def test_omegaconf_gives_back_every_text_that_was_made_literal() -> None:
    draw = random.Random(0)
    pieces = ["\\", "$", "{", "}", "a", ":", "'", "oc.env:HOME", "${", '"', "\n", ",", "[", "]"]
    for _ in range(3000):
        text = "".join(draw.choices(pieces, k=draw.randint(1, 9)))
        cfg = OmegaConf.create(literal({"a": text, "b": [text, {"c": text}]}))
        whole = {"a": text, "b": [text, {"c": text}]}
        assert cfg.a == text
        assert OmegaConf.to_container(cfg, resolve=True) == whole
