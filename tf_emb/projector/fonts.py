"""A font that has every character of some labels, for pictures without a browser."""

from collections.abc import Iterable
from functools import cache

CJK = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Noto Serif CJK SC",
)  # fmt: skip
BASE = "DejaVu Sans"  # matplotlib ships it


def family_for(texts: Iterable[str]) -> list[str]:
    """Return the fonts to draw `texts` with, the first that has a character draws it.

    Raises:
        ValueError: no installed font has some of the characters.
    """
    wanted = {character for text in texts for character in text if character.isprintable()}
    missing, family = wanted - _characters(BASE), [BASE]
    for name in _installed() if missing else ():
        if missing & _characters(name):
            family.append(name)
            missing -= _characters(name)
        if not missing:
            break
    if missing:
        some = "".join(sorted(missing)[:8])
        raise ValueError(
            f"`labels` must be in characters that an installed font has; got {some!r} "
            f"({len(missing)} such characters). Install one, on Debian: apt-get install fonts-noto-cjk."
        )
    return family


@cache
def _installed() -> dict[str, str]:
    """Return the files of the installed fonts by name, those made for Chinese first."""
    from matplotlib import font_manager

    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known and "cjk" in path.lower():  # installed since matplotlib last looked
            font_manager.fontManager.addfont(path)
    files = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    # The last resort has a box for every character there is.
    others = sorted(name for name in files if name not in CJK and not name.startswith("Last Resort"))
    return {name: files[name] for name in [*CJK, *others] if name in files}


@cache
def _characters(name: str) -> frozenset[str]:
    """Return what a font has."""
    from matplotlib import font_manager

    return frozenset(map(chr, font_manager.get_font(_installed()[name]).get_charmap()))
