"""Processes that all files of this folder share, started once."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def beside(name: str) -> ModuleType:
    """A file beside this one, as a module."""
    path = Path(__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def alike():
    """The module of the cases."""
    return beside("alike")


@pytest.fixture(scope="session")
def pool(alike):
    own = beside("several").Pool(3, alike.__file__)
    yield own
    own.close()
