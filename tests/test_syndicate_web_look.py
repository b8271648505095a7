"""The style sheet: colours that can be read in both schemes, nothing from elsewhere, no dead rules."""

import re

import pytest

from syndicate.template_folder import templates_root

CSS = (templates_root() / "web" / "site.css").read_text(encoding="utf-8")
LIGHT, DARK = re.findall(r":root\s*\{([^}]*)\}", CSS)[:2]


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", block))


SCHEMES = {"light": tokens(LIGHT), "dark": {**tokens(LIGHT), **tokens(DARK)}}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("ink", "paper", 7),
        ("ink", "raised", 7),
        ("accent", "paper", 7),
        ("accent", "raised", 7),
        ("accent-ink", "accent", 7),
        ("fault", "paper", 7),
        ("fine", "paper", 7),
        ("muted", "paper", 4.5),
        ("muted", "raised", 4.5),
        ("edge", "paper", 3),
        ("edge", "raised", 3),
    ],
)
def test_what_is_read_can_be_read(scheme: str, text: str, ground: str, least: float) -> None:
    colours = SCHEMES[scheme]
    assert contrast(colours[text], colours[ground]) >= least


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_dark_scheme_has_a_colour_of_its_own_for_everything() -> None:
    assert set(tokens(DARK)) == set(tokens(LIGHT))


def test_colours_come_from_the_tokens_alone() -> None:
    outside = re.sub(r":root\s*\{[^}]*\}", "", CSS)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", outside) == []


def test_every_class_of_a_page_is_dressed_and_nothing_else_is() -> None:
    pages = "".join(file.read_text(encoding="utf-8") for file in (templates_root() / "web").glob("*.html"))
    values = re.sub(r"{%.*?%}", " ", " ".join(re.findall(r'class="([^"]*)"', pages)))
    styled = set(re.findall(r"\.([a-z][a-z-]+)", re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)))
    assert styled == set(values.split())


def test_nothing_is_fetched_from_elsewhere() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    pages = "".join(file.read_text(encoding="utf-8") for file in (templates_root() / "web").glob("*.html"))
    assert "<script" not in pages
    assert " style=" not in pages
    assert re.findall(r'(?:src|href)="(?:https?:)?//', pages) == []
