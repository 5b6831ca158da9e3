"""Cityscapes: pictures of streets, with the class of every pixel and its inverse depth.

M. Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, in the
folders of ``.npy`` files that papers on multi-task learning share; see `NpyFolders`.
"""

from types import MappingProxyType

from mtl_cli.dataset.maps.npy_folders import NpyFolders


class Cityscapes(NpyFolders):
    """``segmentation`` (7 classes, or 19) and ``depth``, which is the inverse depth: the share of a
    disparity in the largest that 16 bits hold; 2975 pictures of train and 500 of test, 128 x 256 or
    256 x 512. See `NpyFolders`."""

    kinds_of_maps = ("segmentation", "depth")
    labels = ("label", "label_7")
    depth_unit = (
        "inverse depth: larger is nearer. Absolute errors are in shares of the largest disparity of"
        " 16 bits; relative errors are ruled by far pixels, whose value is near 0"
    )
    units = MappingProxyType({"depth": "share of the largest disparity"})
    whence = (
        "Cityscapes with 7 classes, 0.7 GB (or 2.4 GB at 256 x 512), to which the published code of"
        " MTAN, LibMTL and most later papers links"
    )
