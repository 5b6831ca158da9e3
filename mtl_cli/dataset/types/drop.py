"""Columns that are not read."""

from typing import ClassVar

from mtl_cli.dataset.columns.column import Column, Learned, Written


class Drop(Column):
    """A column that the user leaves out."""

    is_read: ClassVar[bool] = False

    @classmethod
    def learn(cls, written: Written) -> Learned:
        return Learned(0, "as dataset.columns says")
