"""Checks of what else a spec holds after an edit: supervision, unit, weights of errors, abstention; and that nothing changed."""

from __future__ import annotations

from collections.abc import Sequence

from case import Case, Check
from comparing import listed
from measure import same_number
from same_name import words_of


def nothing_changed() -> Check:
    """Check that what was asked is the same; that the spec is, `staying` checks with no slot named."""

    def check(case: Case) -> str:
        before, after = case.before.parsed, case.after.parsed
        if before.level != after.level:
            return f"level {before.level} became {after.level}"
        kinds = [sorted(question.kind for question in parsed.questions) for parsed in (before, after)]
        if kinds[0] != kinds[1]:
            return f"questions {kinds[0]} became {kinds[1]}"
        if case.before.spec is None and case.key.task and not case.key.refuse:
            return "nothing was understood before the edit, so nothing could stay"
        return _moved_besides(case)

    return check


def _moved_besides(case: Case) -> str:
    """Return which of the fields that are no critical slots is not as it was."""
    was, got = case.before.spec, case.after.spec
    if was is None or got is None:
        return ""
    fields = ("unit", "costs", "abstention", "supervision")
    return ", ".join(field for field in fields if repr(getattr(was, field)) != repr(getattr(got, field)))


def supervision(field: str, value: str) -> Check:
    """Check a field of the supervision."""

    def check(case: Case) -> str:
        spec = case.after.spec
        got = getattr(spec.supervision, field, None) if spec else None
        if isinstance(got, float):
            return "" if same_number(got, float(value)) else f"supervision.{field} is {got:g}, not {value}"
        same = got is not None and words_of(str(got)) == words_of(
            {"mask": "unknown", "ignore": "unknown"}.get(value, value)
        )
        return "" if same else f"supervision.{field} is {got}, not {value}"

    return check


def unit(name: str) -> Check:
    """Check what one answer is about."""

    def check(case: Case) -> str:
        got = case.after.spec.unit if case.after.spec else ""
        return "" if words_of(got) == words_of(name) else f"unit is {got or 'null'}, not {name}"

    return check


def no_costs() -> Check:
    """Check that no error is weighed against another."""

    def check(case: Case) -> str:
        spec = case.after.spec
        weighed = spec is not None and (spec.costs or spec.primary == "expected_cost")
        return "errors are still weighed" if weighed else ""

    return check


def weights(values: Sequence[float]) -> Check:
    """Check the weights of errors; only their ratios count, and an error that nobody weighs counts once."""

    def check(case: Case) -> str:
        spec = case.after.spec
        got = sorted({item.weight for item in spec.costs}) if spec else []
        wanted = sorted(set(values))
        scaled = [value / wanted[0] for value in wanted]
        same = (
            bool(got)
            and len(got) == len(scaled)
            and all(same_number(a / got[0], b) for a, b in zip(got, scaled, strict=True))
        )
        return "" if same else f"weights are {listed(got)}, not {listed(wanted)}"

    return check


def no_abstention() -> Check:
    """Check that the model must always answer."""
    return lambda case: "abstention is allowed" if case.after.spec and case.after.spec.abstention.allowed else ""


def abstention_at_most(value: float) -> Check:
    """Check the largest share that may be sent back."""

    def check(case: Case) -> str:
        got = case.after.spec.abstention if case.after.spec else None
        share = value / 100 if value > 1 else value
        return (
            ""
            if got and got.allowed and same_number(got.at_most, share)
            else f"abstention is {got}, not at most {share:g}"
        )

    return check


def no_rule(what: str) -> Check:
    """Check that no caveat or question still speaks of a rule about this: what a spec cannot hold, it says in a caveat."""

    def check(case: Case) -> str:
        words = set(words_of(what))
        spec = case.after.spec
        told = [*(spec.caveats if spec else ()), *(question.text for question in case.after.parsed.questions)]
        limits = {words_of(word)[0] for word in ("only", "filter", "split", "restrict", "exclude", "leave")}
        still = next((text for text in told if words <= set(words_of(text)) and limits & set(words_of(text))), "")
        return f"still there: {still}" if still else ""

    return check
