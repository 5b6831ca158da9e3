"""The run folders that the tests of comparisons make, for the tests of what weakens one."""

import importlib.util
from pathlib import Path

PATH = Path(__file__).parent.parent / "comparison" / "conftest.py"
SPEC = importlib.util.spec_from_file_location("made_runs", PATH)
assert SPEC is not None
assert SPEC.loader is not None
made_runs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(made_runs)

leave, options = made_runs.leave, made_runs.options
