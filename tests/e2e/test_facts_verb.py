"""`homespun people facts` as a user has it."""

from __future__ import annotations

from pathlib import Path

from e2e.conftest import User, complains, succeed

CHAT = """05/01/2024, 18:10 - Anna: I live in Bergen and my sister Eva does too
05/01/2024, 18:11 - Ben: I live in Cork
06/01/2024, 18:12 - Anna: I'm a teacher, as you know
"""


def test_facts_are_found_decided_and_said_by_hand(tmp_path: Path) -> None:
    user = User(tmp_path)
    (tmp_path / "WhatsApp Chat with Ben.txt").write_text(CHAT, encoding="utf-8")
    succeed(user("init"))
    succeed(user("add", "WhatsApp Chat with Ben.txt", "--me", "Anna"))
    shown = succeed(user("people", "facts")).out
    assert "Bergen" in shown and "Cork" not in shown and "2024-01-0" in shown and "3 proposed: homespun people facts --confirm" in shown
    by_value = {fact["value"]: fact for fact in succeed(user("people", "facts", "--json")).json["facts"]}
    ids = {value: str(fact["id"]) for value, fact in by_value.items()}
    assert by_value["teacher"]["text"].startswith("I'm a teacher") and len(by_value["teacher"]["message"]) > 8
    decided = ("--confirm", f"{ids['Bergen']},{ids['teacher']}", "--reject", ids["Eva"], "--add", "Home=Oslo")
    after = succeed(user("people", "facts", *decided, "--json")).json["facts"]
    assert {(fact["value"], fact["status"], fact["counts"]) for fact in after} == {
        ("Bergen", "confirmed", False),
        ("teacher", "confirmed", True),
        ("Oslo", "confirmed", True),
    }
    assert "outdated" in succeed(user("people", "facts")).out
    complains(user("people", "facts", "--confirm", "x"), 2, ["'x' is not the id of a fact"])
    complains(user("people", "facts", "--confirm", "99", "--add", "a=b"), 2, ["no fact called '99'"])
    complains(user("people", "facts", "--add", "Bergen"), 2, ["relation=value"])
    complains(user("people", "facts", "--confirm", "1", "--reject", "1"), 2, ["both"])
    complains(user("people", "facts", "Bne"), 2, ["did you mean 'Ben'"])
    complains(user("people", "me", "Anna", "--confirm", "1"), 2, ["are for facts"])
    assert "a=b" not in succeed(user("people", "facts")).out
