"""Files of named arrays against the libraries that write them."""

import json
import struct

import numpy as np
import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.array_files import KINDS, read_arrays

DRAW = np.random.default_rng(0)
ARRAYS = {name.lower(): DRAW.integers(0, 2, (6, 2)).astype(kind) for name, kind in KINDS.items()}
ARRAYS |= {"row": DRAW.normal(size=(6, 3)), "empty": np.zeros((6, 0), np.float32)}


def write(path, arrays) -> None:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".safetensors":
        from safetensors.numpy import save_file

        save_file(arrays, path, metadata={"of": "tests"})
    elif path.suffix in (".h5", ".hdf5"):
        with pytest.importorskip("h5py").File(path, "w") as file:
            for name, array in arrays.items():
                packed = {"compression": "gzip"} if name == "row" else {}
                file.create_dataset(name, data=array, **packed)
    else:
        path.mkdir()
        for name, array in arrays.items():
            np.save(path / f"{name}.npy", array)


@pytest.mark.parametrize("name", ["d.npz", "d.safetensors", "d.h5", "D.HDF5", "folder"])
def test_arrays_come_back_by_name(tmp_path, name):
    if name == "D.HDF5":
        write(tmp_path / "d.hdf5", ARRAYS)
        (tmp_path / "d.hdf5").rename(tmp_path / name)
    else:
        write(tmp_path / name, ARRAYS)
    found = read_arrays(tmp_path / name)
    assert set(found) == set(ARRAYS)
    for key, array in found.items():
        np.testing.assert_array_equal(array, ARRAYS[key])
        assert array.dtype == ARRAYS[key].dtype
    stay = {key for key, array in found.items() if isinstance(array, np.memmap)}
    packed = {"row"} if "h" in name.casefold() else set()
    usual = set() if name == "d.npz" else set(ARRAYS) - {"empty"} - packed
    assert stay - {"empty"} == usual


def pickled(path):
    np.save(path / "x.npy", np.array([{}, {}], dtype=object), allow_pickle=True)


def in_a_group(path):
    with pytest.importorskip("h5py").File(path, "w") as file:
        file["raw/x"] = np.zeros(3)


def of_words(path):
    with pytest.importorskip("h5py").File(path, "w") as file:
        file["x"] = ["a", "bc"]


def of_halves(path):
    header = {"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    said = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(said)) + said + bytes(4))


def too_short(path):
    write(path, {"x": np.zeros(100)})
    path.write_bytes(path.read_bytes()[:-8])


def one_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def no_file(path):
    write(path.with_name("data.h5"), {"x": np.zeros(3)})


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("", pickled, "without Python objects"),
        ("", lambda path: None, "no .npy file in"),
        ("x.npy", lambda path: np.save(path, np.zeros(3)), "must be a folder"),
        ("x.h5", in_a_group, "a group: raw"),
        ("x.h5", of_words, "x of object"),
        ("x.h5", lambda path: path.write_bytes(b"nothing"), "must be a file of HDF5"),
        ("x.safetensors", of_halves, "x of BF16"),
        ("x.safetensors", too_short, "must be a file of safetensors"),
        ("x.safetensors", lambda path: path.write_bytes(bytes(3)), "must be a file of safetensors"),
        ("x.safetensors", lambda path: path.write_bytes(b"\xff" * 9), "longer than the file"),
        ("x.npz", lambda path: path.write_bytes(b"nothing"), "must be a NumPy archive"),
        ("x.npz", one_array, "must be a NumPy archive"),
        ("x.csv", lambda path: path.write_text("a,b"), "must be .npz, .safetensors or .h5"),
        ("dta.h5", no_file, "data.h5"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, make, said):
    make(tmp_path / name)
    with pytest.raises(Problem) as caught:
        read_arrays(tmp_path / name)
    assert said in str(caught.value)


def test_without_the_package_what_to_install_is_said(tmp_path, monkeypatch):
    (tmp_path / "x.h5").touch()
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(Problem, match=r"pip install 'mtl-cli\[hdf5\]'"):
        read_arrays(tmp_path / "x.h5")
