from __future__ import annotations

import pytest

from mlfp.report.html.veil import Veil


def test_without_redaction_all_is_said() -> None:
    veil = Veil(redact=False)
    assert veil.text("scan '/a/b.png' of s01") == "scan '/a/b.png' of s01"
    assert (veil.subject("s01"), veil.scan("folder/x.nii.gz")) == ("s01", "x.nii.gz")


@pytest.mark.parametrize(
    "words",
    [
        "scan 'secret' has no pixels",
        'query "secret" of 7',
        "cannot read /data/secret/x",
        "cannot read C:\\secret\\x",
        "secret.nii.gz is no volume",
        "a/secret/b is missing",
        "--data ../secret --smoke",
        "the subject secret, and others",
    ],
)
def test_redacted_words_name_nobody(words: str) -> None:
    veil = Veil(redact=True)
    veil.meet("subject", ["secret"])
    assert "secret" not in veil.text(words)


def test_redacted_words_keep_their_sense() -> None:
    words = "Data: mlfp/phantom; test 42 subjects with 126 scans. Intervals: 95 %."
    veil = Veil(redact=True)
    veil.meet("subject", ["s1", "s2"])
    assert veil.text(words) == words


def test_a_name_keeps_its_number_and_no_two_share_one() -> None:
    veil = Veil(redact=True)
    veil.meet("subject", ["a", "b", "c"])
    assert veil.subject("a") == veil.subject("a")
    assert len({veil.subject(name) for name in "abcd"}) == 4
