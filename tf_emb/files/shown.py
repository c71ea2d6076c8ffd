"""Text from files, made safe to print."""

import unicodedata

# Controls, lone surrogates, and the two separators that some terminals take for line breaks.
_ESCAPED = frozenset({"Cc", "Cs", "Zl", "Zp"})
# What turns the direction of all that follows (Boucher and Anderson 2021, "Trojan Source"), and the byte-order mark.
_INVISIBLE = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def printable(text: object) -> str:
    r"""Return text with control characters and the like as escapes: a word must not steer the terminal.

    ESC becomes \x1b, a line break \n, U+2028 \u2028. Joiners stay, since words of Hindi or Persian are spelled with
    them.
    """
    return "".join(_shown(character) for character in str(text))


def _shown(character: str) -> str:
    shown = character not in _INVISIBLE and unicodedata.category(character) not in _ESCAPED
    return character if shown else character.encode("unicode_escape").decode()
