from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from opskit.core.errors import ConfigError
from opskit.report.render import forms
from opskit.report.render.forms import FORMS, Form
from tests.report.render.documents import document
from tests.report.render.samples import HOSTILE, hostile, month

_HASHES = """
import hashlib
from opskit.report.render.forms import FORMS
from tests.report.render.documents import document
from tests.report.render.samples import HOSTILE, month
built = month()
page = document(built, HOSTILE)
for name, form in FORMS.items():
    print(name, hashlib.sha256(form.render(built, lambda: page)).hexdigest())
"""


def test_the_same_report_gives_the_same_bytes_in_another_process_language_and_zone() -> None:
    built = month()
    page = document(built, HOSTILE)
    here = {
        name: hashlib.sha256(form.render(built, lambda: page)).hexdigest()
        for name, form in FORMS.items()
    }
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "HOME": "/nonexistent",
    }
    said = subprocess.run(
        [sys.executable, "-c", _HASHES], env=environment, capture_output=True, text=True, check=True
    )
    assert dict(line.split() for line in said.stdout.splitlines()) == here


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_every_form_draws_a_report_of_hostile_strings(form: Form) -> None:
    built = hostile()
    assert form.render(built, lambda: document(built, HOSTILE))


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_every_form_that_has_its_own_words_names_the_report_and_what_is_declared(
    form: Form,
) -> None:
    built = month()
    drawn = form.render(built, lambda: document(built, declared="All of this is made up."))
    if form.name in {"text", "markdown", "csv"}:
        assert built.report.id.encode() in drawn
        assert b"All of this is made up." in drawn


def test_a_form_whose_extra_is_missing_names_it() -> None:
    built = month()
    absent = Form("text", ".x", "text/x", "a picture", needs=("no_such_module",))
    assert not absent.ready
    with pytest.raises(ConfigError, match="a report as a picture needs more") as raised:
        absent.render(built, lambda: document(built))
    assert raised.value.hint == "pip install 'opskit[pdf]'"


def test_a_form_is_found_by_name() -> None:
    assert forms.form("csv").suffix == ".zip"
    with pytest.raises(ConfigError, match="there is no form docx") as raised:
        forms.form("docx")
    assert raised.value.hint.startswith("use one of html, json, pdf")


def test_text_is_page_one_alone_and_markdown_all_pages() -> None:
    built = month()
    page = document(built)
    assert len(page.pages) == 2
    text = forms.form("text").render(built, lambda: page).decode()
    whole = forms.form("markdown").render(built, lambda: page).decode()
    assert "A heading" in text
    assert "Another heading" not in text
    assert "A heading" in whole
    assert "Another heading" in whole
