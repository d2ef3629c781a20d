"""XML from strangers: no entities, no document types, no giants."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 2**24
_DEEPEST = 50


def read_xml(path: Path) -> Element:
    """Return the root of an XML file.

    Raises:
        ValueError: The file is no XML, is too large, or defines a document type, which entities and bombs need.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError("the file is too large for annotations of one image")
    builder, depth = TreeBuilder(), 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ValueError("its elements are nested too deeply")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise ValueError("it defines a document type, which annotations have no use for")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise ValueError(f"it is no XML: {error}") from error
    return builder.close()
