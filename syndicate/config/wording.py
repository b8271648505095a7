"""pydantic's errors in our words: what was expected and what to do, never the value itself."""

from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syndicate.config.faults import Finding
from syndicate.config.settings import Config

_EXPECTED = {
    "string_type": "expected text in quotes",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a smaller number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "tuple_type": "expected a list in [ ]",
    "model_type": "expected a table",
    "model_attributes_type": "expected a table",
}


def findings(error: ValidationError) -> tuple[Finding, ...]:
    """One finding for each thing that pydantic refused."""
    return tuple(
        Finding(detail["loc"], _text(detail))
        for detail in error.errors(include_url=False, include_context=True, include_input=False)
    )


def unknown(name: str, parents: tuple[str | int, ...] = ()) -> str:
    """What to say about a key that nobody knows in the table at `parents`."""
    names = _names_at(parents)
    near = get_close_matches(name, names, n=1)
    what = "setting" if parents else "table"
    hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(names) or 'nothing to set here'}"
    return f"unknown {what}: {hint}"


def _text(detail: ErrorDetails) -> str:
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown(str(loc[-1]), loc[:-1])
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"expected one of {str(context['expected']).replace(chr(39), chr(34))}"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}"
    return _EXPECTED.get(kind, detail["msg"][:1].lower() + detail["msg"][1:])


def _names_at(parents: tuple[str | int, ...]) -> list[str]:
    """The names that the table at `parents` takes, as they are written in the file."""
    model: type[BaseModel] = Config
    for part in parents:
        if isinstance(part, int):
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        annotation = fields[part].annotation if part in fields else None
        inner = [a for a in (annotation, *get_args(annotation)) if _is_model(a)]
        if not inner:
            return []
        model = inner[0]
    names = [field.alias or name for name, field in model.model_fields.items()]
    return [name for name in names if parents or name not in ("folder", "path")]


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
