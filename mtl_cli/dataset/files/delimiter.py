"""What stands between the cells of a row, as a config says it."""

from typing import Any

from mtl_cli.basis.errors import problem

WHITESPACE = "whitespace"  # runs of blanks and tabs


def delimiter_of(said: Any, thing: str) -> str | None:
    """The delimiter that a config says: in a shell and in YAML without quotes, a tab is ``\\t``.

    Raises:
        ValueError: where it is none, as letters are: a shell makes ``t`` of a bare ``\\t``.
    """
    own = said.replace("\\t", "\t") if isinstance(said, str) else said
    is_mark = isinstance(own, str) and len(own) == 1 and not own.isalnum()
    if own is None or own == WHITESPACE or is_mark:
        return own
    rule = f"must be one character that is no letter, \\t, {WHITESPACE} (any blanks), or null"
    wide = isinstance(own, str) and own and own.isspace()
    fix = f"{thing}={WHITESPACE}" if wide else f"'{thing}=\\t', '{thing}=\";\"', or {thing}=null"
    raise problem(thing, rule, said, fix)
