"""Edits of the description of the data: `remove chest_drain from the manifest`, `change the manifest to 2500 positives`."""

from __future__ import annotations

import copy
import re

from metadata_words import read_metadata

_FROM = r"\s+(?:from|out of|in)\s+(?:the\s+)?(?:data\s+)?(?:data_)?(?:manifest|metadata|labels|data)\b.*"
_TO = r"\s+(?:to|in|into)\s+(?:the\s+)?(?:data\s+)?(?:data_)?(manifest|metadata|labels|data)\b.*"


def edit_manifest(text: str, manifest: dict[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return a manifest after an edit, and the columns that it took away or added; unchanged if the edit is not understood."""
    changed = copy.deepcopy(manifest)
    if found := re.match(rf"(?:remove|delete|drop|take)\s+(.+?){_FROM}$", text, re.IGNORECASE):
        return _without(changed, _names(found[1]))
    if found := re.match(
        rf"(.+?)\s+(?:is\s+|are\s+)?(?:removed|deleted|missing|dropped|absent|taken){_FROM}$", text, re.IGNORECASE
    ):
        return _without(changed, _names(found[1]))
    if found := re.match(
        r"(?:remove|delete|drop)\s+the\s+(?:label|column|attribute|field)\s+(.+)$", text, re.IGNORECASE
    ):
        return _without(changed, [found[1].strip(" '\"")])
    if found := re.match(r"add\s+(?:the|a)\s+(label|column|attribute|field)\s+(.+)$", text, re.IGNORECASE):
        return _with(changed, found[2], to_labels=found[1].lower() == "label")
    if found := re.match(rf"(?:add|put|insert|include)\s+(.+?){_TO}$", text, re.IGNORECASE):
        return _with(changed, found[1], to_labels=found[2].lower() == "labels")
    return _set_values(text, changed)


def _names(text: str) -> list[str]:
    parts = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", re.sub(r"^the\s+(?:column|attribute|label|field)s?\s+|^the\s+", "", text.strip(), flags=re.IGNORECASE))  # fmt: skip
    return [re.sub(r"^(?:the|column|attribute)\s+", "", part).strip(" '\"`") for part in parts if part.strip()]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"\(.*", "", name).strip().lower()).strip("_")


def _without(manifest: dict[str, object], names: list[str]) -> tuple[dict[str, object], tuple[str, ...]]:
    gone: list[str] = []
    wanted = {_plain(name) for name in names}
    for key, value in list(manifest.items()):
        if _plain(key) in wanted and key not in {"labels", "metadata"}:
            del manifest[key]
            gone.append(key)
        elif isinstance(value, dict):
            gone += [name for name in value if _plain(str(name)) in wanted]
            manifest[key] = {name: item for name, item in value.items() if _plain(str(name)) not in wanted}
            if key == "labels":
                _thin_out(manifest[key], wanted, gone)
        elif isinstance(value, list):
            gone += [str(item) for item in value if _plain(str(item)) in wanted]
            manifest[key] = [item for item in value if _plain(str(item)) not in wanted]
    return manifest, tuple(dict.fromkeys(re.sub(r"\s*\(.*", "", name) for name in gone))


def _thin_out(labels: object, wanted: set[str], gone: list[str]) -> None:
    """Take single classes out of lists of labels."""
    if not isinstance(labels, dict):
        return
    for name, value in labels.items():
        if isinstance(value, list):
            gone += [str(item) for item in value if _plain(str(item)) in wanted]
            labels[name] = [item for item in value if _plain(str(item)) not in wanted]


def _with(manifest: dict[str, object], what: str, *, to_labels: bool) -> tuple[dict[str, object], tuple[str, ...]]:
    found = re.fullmatch(r"(?:a\s+|an\s+)?(.+?)\s*(?:\((.+)\)|:\s*(.+)|\s(binary)(?:\s+label)?)?", what.strip(" '\""))
    if not found:
        return manifest, ()
    about = found[2] or found[3] or found[4] or ""
    names = _names(re.sub(r"\s+(?:column|label|attribute)s?$", "", found[1]))
    if to_labels or re.search(r"\bbinary\b|0/1", about):
        labels = manifest.get("labels")
        manifest["labels"] = {**(labels if isinstance(labels, dict) else {}), **dict.fromkeys(names, about or "binary")}
    else:
        metadata = manifest.get("metadata")
        entries = list(metadata) if isinstance(metadata, list | dict) else []
        manifest["metadata"] = [*entries, *(f"{name} ({about})" if about else name for name in names)]
    return manifest, tuple(names)


def _set_values(text: str, manifest: dict[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """Read `2500 positives`, `positives to 2500`, `images = 500`, `split: none`, `skin_type 62% missing`."""
    if found := re.search(r"\b([\w ]+?)\s+(?:to\s+|is\s+)?(\d+(?:\.\d+)?\s*%)\s+missing", text, re.IGNORECASE):
        name = found[1].split()[-1]
        known = [item for item, _, _ in read_metadata(manifest.get("metadata")).attributes]
        entries = manifest.get("metadata")
        if name in known and isinstance(entries, list):
            manifest["metadata"] = [
                f"{name} ({found[2]} missing)" if _plain(str(item)) == name else item for item in entries
            ]
            return manifest, (name,)
    if found := re.search(r"\bsplit\b\s*(?:to|=|:|becomes|is)?\s*['\"]?(given|none)\b", text, re.IGNORECASE):
        manifest["split"] = found[1].lower()
        return manifest, ()
    counts = re.findall(r"(\d[\d,]*)\s+([a-z_]+)", text, re.IGNORECASE)
    counts += [
        (number, word)
        for word, number in re.findall(r"\b([a-z_]+)\s*(?:to|=|:|becomes)\s*(\d[\d,]*)", text, re.IGNORECASE)
    ]
    for number, word in counts:
        _set_count(manifest, int(number.replace(",", "")), word.lower())
    return manifest, ()


def _set_count(manifest: dict[str, object], number: int, word: str) -> None:
    if word in {"manifest", "to", "of", "in", "at", "the", "and", "with"}:
        return
    stem = word.removesuffix("s")
    labels = manifest.get("labels")
    said = False
    if isinstance(labels, dict):
        for name, value in labels.items():
            if isinstance(value, str) and re.search(rf"\d[\d,]*\s+{re.escape(stem)}", value):
                labels[name] = re.sub(rf"\d[\d,]*(?=\s+{re.escape(stem)})", str(number), value)
                said = True
    if not said:
        manifest["images" if stem == "image" else word] = number
