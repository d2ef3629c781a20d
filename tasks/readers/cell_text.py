"""Values of typed cells as the text that a person sees."""

from __future__ import annotations

import datetime as dt
import json


def text_of(value: object) -> str:
    """Return a value as text: whole numbers without a point, dates as ISO 8601, lists and records as JSON."""
    match value:
        case bool():
            text = str(value).lower()
        case float():
            text = str(int(value)) if value.is_integer() else repr(value)
        case dt.datetime() if value.time() == dt.time():
            text = value.date().isoformat()
        case dt.date() | dt.time():
            text = value.isoformat()
        case list() | dict():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return text
