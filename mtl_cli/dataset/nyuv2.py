"""NYUv2: pictures of rooms, with the class of every pixel, its depth and its normal.

N. Silberman, D. Hoiem, P. Kohli & R. Fergus, "Indoor Segmentation and Support Inference from RGBD
Images", ECCV 2012, in the folders of ``.npy`` files with 13 classes that papers on multi-task
learning share; see `NpyFolders`.
"""

from types import MappingProxyType

from mtl_cli.dataset.maps.npy_folders import NpyFolders


class NYUv2(NpyFolders):
    """``segmentation`` (13 classes), ``depth`` in metres and ``normals``; 795 pictures of train and
    654 of test, 288 x 384. See `NpyFolders`."""

    depth_unit = "in metres"
    units = MappingProxyType({"depth": "m"})
    whence = (
        "NYUv2 with 13 classes, about 9 GB, to which the published code of MTAN, LibMTL and most"
        " later papers links"
    )
