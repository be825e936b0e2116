"""Cypher outputs, judged by a real engine."""

from __future__ import annotations

from pathlib import Path

from homespun.dataset.cypher import cypher_judge

SOUND = (
    "MATCH (n:Person) WHERE n.name = 'a)b]' RETURN count(n) AS c",
    "MATCH (u:User)-[:WROTE]->(p)\nWITH u, count(p) AS n ORDER BY n DESC LIMIT 5\nRETURN u.name, n",
    "CREATE (:Person {name: $name})",
    "explain MATCH (n) RETURN n",
)
BROKEN = ("MATCH (n:Person RETURN n", "hello", "RETURN (", "MATCH (n) RETRUN n")


def test_what_is_cypher_and_what_is_not(tmp_path: Path) -> None:
    with cypher_judge() as judge:
        assert [judge(query) for query in SOUND] == [None] * len(SOUND)
        assert {judge(query) for query in BROKEN} == {"an output that is no Cypher (syntax)"}
        assert "UndefinedVariable" in str(judge("MATCH (a)-[:KNOWS]->(b) RETURN x"))
        assert judge(SOUND[0]) is None
    assert not list(tmp_path.iterdir())
