"""HTML to readable plain text, for the bodies of an imported catalogue.

Not html.parser: on markup that is merely broken it raises AssertionError (`<![x`), and its time grows with the
square of the input (37 s for 64 KiB of `<a `, measured on Python 3.11). This scanner passes over the text once,
never raises, and reads what browsers read, as far as plain text can tell.
"""

import html
import re

# Marks that stand in the text until its blanks are folded. Text itself has no control characters then.
_ITEM, _ITEM_END, _LINE, _PARAGRAPH = "\x02", "\x03", "\x04", "\x05"

_BREAKS = {
    name: mark
    for mark, names in (
        (
            _PARAGRAPH,
            "address article aside blockquote dl figure footer form h1 h2 h3 h4 h5 h6 header hr main nav",
        ),
        (_PARAGRAPH, "ol p pre section table ul"),
        (_LINE, "caption center dd details div dt fieldset figcaption legend option summary tr"),
        (" ", "td th"),
    )
    for name in names.split()
}
_DROPPED = {
    name: re.compile(rf"</{name}(?![a-z0-9:-])[^>]*>", re.IGNORECASE)
    for name in ("script", "style", "template")
}

# A ">" inside a quoted attribute value does not end the tag. Possessive, so that no input is read twice over.
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)(?:[^>=]++|=\s*+\"[^\"]*+\"|=\s*+'[^']*+'|=)*+>")
_SIMPLE_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)[^<>]*+>")

_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]+")
_BLANKS = re.compile("[\\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_EMPTY_ITEM = re.compile(f"{_ITEM}[ \n{_LINE}{_PARAGRAPH}]*+(?:{_ITEM_END}|\\Z)")
_ITEM_START = re.compile(f"{_ITEM}[ \n{_LINE}{_PARAGRAPH}{_ITEM}]*+")
_BREAK_RUN = re.compile(f"[ \n{_LINE}{_PARAGRAPH}{_ITEM_END}]{{2,}}|[{_LINE}{_PARAGRAPH}{_ITEM_END}]")
# html.unescape hands such a number to int(), which refuses more than 4,300 digits.
_HUGE_REFERENCE = re.compile(r"&#[0-9]{9,}+;?")


def plain_text(body: str) -> str:
    """Return the text of an HTML fragment: block elements on lines of their own, list items with a bullet."""
    if "<" not in body:
        # Shopify takes a body without markup too: there the line ends are the merchant's own.
        lines = _LINE_ENDS.sub("\n", body).split("\n")
        return _folded("\n".join(_clean(line) for line in lines))
    return _folded(_marked(body))


def _marked(body: str) -> str:
    """Replace every tag by a mark or by nothing, and fold the blanks of the text between them."""
    pieces: list[str] = []
    tag_pattern = _TAG
    at = 0
    while True:
        start = body.find("<", at)
        if start < 0:
            pieces.append(_clean(body[at:]))
            break
        pieces.append(_clean(body[at:start]))
        follower = body[start + 1 : start + 2]
        if follower in ("!", "?"):
            at = _declaration_end(body, start)
            continue
        tag = tag_pattern.match(body, start)
        if tag is None and (follower.isalpha() or follower == "/"):
            # Some tag is never closed. Looking for quoted values from every later one would be quadratic.
            tag_pattern = _SIMPLE_TAG
            tag = tag_pattern.match(body, start)
        if tag is None:
            pieces.append("<")
            at = start + 1
            continue
        at = tag.end()
        name, closes = tag[2].lower(), bool(tag[1])
        if name in _DROPPED and not closes:
            end = _DROPPED[name].search(body, at)
            at = end.end() if end else len(body)
        else:
            pieces.append(_mark(name, closes))
    return "".join(pieces)


def _declaration_end(body: str, start: int) -> int:
    """Return where a comment, doctype or processing instruction ends; one that does not end hides the rest."""
    closing = "-->" if body.startswith("<!--", start) else ">"
    end = body.find(closing, start + 2)
    return end + len(closing) if end >= 0 else len(body)


def _mark(name: str, closes: bool) -> str:
    if name == "br":
        return "" if closes else "\n"
    if name == "li":
        return _ITEM_END if closes else _LINE + _ITEM
    return _BREAKS.get(name, "")


def _clean(text: str) -> str:
    if "&" in text:
        text = html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))
    return _BLANKS.sub(" ", _INVISIBLE.sub("", text))


def _folded(marked: str) -> str:
    text = _EMPTY_ITEM.sub(_LINE, marked)
    text = _ITEM_START.sub(_ITEM, text)
    text = _BREAK_RUN.sub(_fold, text)
    return text.replace(_ITEM, "• ").strip()


def _fold(run: re.Match[str]) -> str:
    marks = run[0]
    if _PARAGRAPH in marks or marks.count("\n") > 1:
        return "\n\n"
    return "\n" if marks.strip(" ") else " "
