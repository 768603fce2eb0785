"""Words live in the locales alone, the same ones in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import run

PAGES = run.ROOT / "lab_api" / "pages"
LOCALES = run.ROOT / "lab_api" / "locales"
HAN = re.compile(r"[\u3400-\u9fff]")
NEVER = {
    "zh-CN": ("不合格", "预警", "有毒", "放心", "！"),
    "en": (" safe", "fail", "alarm", "!"),
}


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((LOCALES / f"{language}.json").read_text("utf-8"))
    return found


def sources() -> list[Path]:
    return sorted(path for path in PAGES.iterdir() if path.suffix in (".js", ".html"))


def used(source: str) -> set[str]:
    """The keys that a page or a module names."""
    return set(re.findall(r'data-words="([^"]+)"', source)) | set(
        re.findall(r'say\(\s*"([^"]+)"', source)
    )


def test_both_languages_have_the_same_words() -> None:
    assert list(words("zh-CN")) == list(words("en"))


def test_both_languages_leave_the_same_places_open() -> None:
    def places(language: str) -> dict[str, list[str]]:
        return {key: sorted(re.findall(r"\{\w+\}", said)) for key, said in words(language).items()}

    assert places("zh-CN") == places("en")


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.name)
def test_no_page_holds_words_of_its_own(source: Path) -> None:
    assert HAN.findall(source.read_text("utf-8")) == []


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.name)
def test_every_word_that_a_page_asks_for_exists(source: Path) -> None:
    assert used(source.read_text("utf-8")) - set(words("en")) == set()


def test_no_word_is_kept_that_no_page_says() -> None:
    said = set[str]().union(*(used(source.read_text("utf-8")) for source in sources()))
    chosen_by_state = re.compile(r"(state|cause|band)\.")

    unused = {key for key in words("en") if key not in said and not chosen_by_state.match(key)}

    assert unused == set()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_word_frightens_or_promises(language: str) -> None:
    found = [
        said for said in words(language).values() if any(bad in said for bad in NEVER[language])
    ]

    assert found == []


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.name)
def test_no_page_needs_more_than_the_policy_allows(source: Path) -> None:
    text = source.read_text("utf-8")

    assert (
        re.findall(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=\"|https?://(?!www\.w3\.org)", text)
        == []
    )
