"""Names in any script are drawn by a font that has their letters, or it is said once."""

import logging

from matplotlib.figure import Figure
from matplotlib.text import Text

from mtl_cli.drawing.files import save
from mtl_cli.drawing.letters import fonts_for

STIX = "\u1d8a"  # in STIX, which matplotlib brings, and not in DejaVu Sans
NOWHERE = "\ue9f3"  # for private use: in no font


def drawn(folder, name):
    figure = Figure()
    figure.subplots().set(title=name, xlabel="plain")
    save(figure, folder / "a.png")  # a warning would be an error here
    return {text.get_text(): text.get_fontfamily() for text in figure.findobj(Text)}


def test_a_font_that_has_the_letters_is_taken_for_them_alone(tmp_path):
    families = drawn(tmp_path, f"Größe {STIX}")
    assert len(families[f"Größe {STIX}"]) == 2
    assert len(families["plain"]) == 1


def test_letters_without_a_font_are_said_once(tmp_path, caplog):
    fonts_for.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert len(drawn(tmp_path, f"a {NOWHERE}")[f"a {NOWHERE}"]) == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"pictures: no installed font has {NOWHERE}: boxes stand for it there"
    ]
