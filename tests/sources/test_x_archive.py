"""X (Twitter) archives: tweets as they were typed, and direct messages."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from damage import bent
from homespun.errors import SourceError
from homespun.sources import x_archive
from homespun.types import Chat, ImportReport, Message

Json = dict[str, Any]

ACCOUNT = [{"account": {"email": "Me@Example.org", "username": "benw", "accountId": "1", "accountDisplayName": "Ben W."}}]


def script(name: str, value: object) -> str:
    return f"window.YTD.{name}.part0 = {json.dumps(value, indent=2)}"


def tweet(id: int, text: str, date: str = "Tue Mar 19 14:05:17 +0000 2019", **more: object) -> Json:
    return {"tweet": {"id_str": str(id), "created_at": date, "full_text": text, "entities": {"urls": [], "user_mentions": []}, **more}}


def sent(id: int, sender: str, text: str, at: str = "2022-01-27T15:58:52.744Z", **more: object) -> Json:
    return {"messageCreate": {"id": str(id), "senderId": sender, "recipientId": "2", "text": text, "createdAt": at, "urls": [], **more}}


def talk(id: str, *messages: Json) -> Json:
    return {"dmConversation": {"conversationId": id, "messages": list(messages)}}


def read(files: Mapping[str, str]) -> tuple[list[Chat], ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "archive.zip")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return read_by(x_archive, path)


def read_tweets(*tweets: Json, **more: str) -> tuple[list[Chat], ImportReport]:
    return read({"data/account.js": script("account", ACCOUNT), "data/tweets.js": script("tweets", tweets), **more})


def test_tweets_are_one_chat_in_order_of_time() -> None:
    part = script("tweets", [tweet(9, "one")]).replace("part0", "part1")
    liked = script("like", [{"like": {"tweetId": "5", "fullText": "hers"}}])
    (chat,), report = read_tweets(
        tweet(11, "later", "Wed Mar 20 00:00:00 +0000 2019"),
        tweet(10, "two\nlines 👩‍🚀"),
        **{"data/tweets-part1.js": part, "data/like.js": liked},
    )
    expected = (
        Message("Ben W.", "one", 1553004317.0, "9"),
        Message("Ben W.", "two\nlines 👩‍🚀", 1553004317.0, "10"),
        Message("Ben W.", "later", 1553040000.0, "11"),
    )
    assert chat == Chat("Tweets", expected, group=False, key="tweets")
    assert (report.me, report.accounts) == ("Ben W.", {"Ben W.": {"x:1", "mail:me@example.org"}})


def test_a_tweet_is_read_as_it_was_typed() -> None:
    link = {"url": "https://t.co/a1", "expanded_url": "https://example.org/?a=1&b=2", "indices": ["0", "1"]}
    (chat,), _ = read_tweets(
        tweet(1, "see https://t.co/a1 &amp; &lt;3 https://t.co/p1", entities={"urls": [link], "media": [{"url": "https://t.co/p1"}]}),
        tweet(2, "@anna @cem I agree, @anna", in_reply_to_user_id="2"),
        tweet(3, "@anna is mentioned by me"),
        tweet(4, "and a thread", in_reply_to_user_id="1", in_reply_to_status_id="3"),
    )
    assert [m.text for m in messages_of(chat)] == [
        "see https://example.org/?a=1&b=2 & <3",
        "I agree, @anna",
        "@anna is mentioned by me",
        "and a thread",
    ]


def test_what_is_not_one_s_own_words_is_left_out_with_a_reason() -> None:
    (chat,), report = read_tweets(
        tweet(1, "kept"),
        tweet(2, "RT @anna: hers"),
        tweet(3, "old", "Tue Mar 19 14:05:17 +0000 1997"),
        tweet(4, "undated", "yesterday"),
        tweet(5, "@anna https://t.co/p", in_reply_to_user_id="2", entities={"media": [{"url": "https://t.co/p"}]}),
        tweet(6, ""),
    )
    assert [m.text for m in messages_of(chat)] == ["kept"]
    assert report.skipped == {
        "retweet: not the sender's words": 1,
        "dated before Twitter began": 1,
        "message without a date": 1,
        "media without text": 1,
        "empty message": 1,
    }


def test_direct_messages_call_people_as_tweets_mention_them() -> None:
    mention = {"urls": [], "user_mentions": [{"name": "Anna", "screen_name": "anna", "id_str": "2"}]}
    direct = talk("1-2", sent(5, "1", "ho https://t.co/p1", mediaUrls=["x"]), sent(4, "2", "hi", "2022-01-27T15:00:00.000Z"))
    unknown = talk("1-3", sent(6, "3", "who?"), sent(7, "1", "https://t.co/x", mediaUrls=["x"]))
    update = {"conversationNameUpdate": {"name": "Trip", "initiatingUserId": "1"}}
    group = talk(
        "99",
        sent(8, "3", "b"),
        update,
        {"conversationNameUpdate": {"name": "Old"}},
        {"joinConversation": {"initiatingUserId": "1"}},
        sent(9, "2", "a", "2021-01-27T15:00:00.000Z"),
    )
    chats, report = read_tweets(
        tweet(1, "@anna hello", entities=mention),
        **{
            "data/direct-messages.js": script("direct_messages", [direct, unknown]),
            "data/direct-messages-group.js": script("direct_messages_group", [group]),
        },
    )
    assert [(c.name, c.key, c.group, [(m.speaker, m.text) for m in messages_of(c)]) for c in chats] == [
        ("Trip", "99", True, [("Anna", "a"), ("X user 3", "b")]),
        ("Anna", "1-2", False, [("Anna", "hi"), ("Ben W.", "ho")]),
        ("X user 3", "1-3", False, [("X user 3", "who?")]),
        ("Tweets", "tweets", False, [("Ben W.", "@anna hello")]),
    ]
    assert report.accounts["Anna"] == {"x:2"}
    assert report.skipped == {"media without text": 1, "service message": 3}


def test_older_archives_and_a_file_alone(tmp_path: Path) -> None:
    bare = tweet(1, "from 2019")["tweet"]
    tweets = script("tweet", [bare])
    files = {"tweet.js": tweets, "tweet-part1.js": script("tweet", [tweet(2, "more")]), "account.js": script("account", ACCOUNT)}
    assert [m.text for m in messages_of(read(files)[0][0])] == ["from 2019", "more"]
    (tmp_path / "tweets.js").write_text(tweets)
    (chat,), report = read_by(x_archive, tmp_path / "tweets.js")
    assert (messages_of(chat)[0].speaker, report.me) == ("Me", "Me")


def test_namesakes_stay_two_people() -> None:
    mentions = [{"name": "Anna", "screen_name": "a", "id_str": "2"}, {"name": "Anna", "screen_name": "b", "id_str": "3"}]
    messages = script("direct_messages", [talk("1-2", sent(1, "2", "x")), talk("1-3", sent(2, "3", "y"))])
    chats, _ = read_tweets(tweet(1, "hi", entities={"user_mentions": mentions}), **{"data/direct-messages.js": messages})
    assert {m.speaker for c in chats for m in messages_of(c)} == {"Ben W.", "Anna", "Anna (3)"}


def test_a_damaged_file_is_named() -> None:
    with pytest.raises(SourceError, match=r"data/tweets\.js: the JSON is damaged or cut off"):
        read({"data/tweets.js": script("tweets", [tweet(1, "hi")])[:-9]})
    with pytest.raises(SourceError):
        read({"data/account.js": script("account", ACCOUNT)})


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0&"), min_size=1).filter(
    lambda text: bool(text.strip()) and "t.co" not in text and not text.startswith("RT @")
)


@given(st.lists(texts, min_size=1, max_size=8))
def test_messages_written_as_an_archive_are_read_back(said: list[str]) -> None:
    escaped = [text.replace("<", "&lt;").replace(">", "&gt;") for text in said]
    messages = [sent(n, str(1 + n % 2), text, f"2022-01-27T15:58:{n:02}.000Z") for n, text in enumerate(escaped)]
    tweets = [tweet(n, text) for n, text in enumerate(escaped)]
    chats, report = read_tweets(*tweets, **{"data/direct-messages.js": script("direct_messages", [talk("1-2", *messages[::-1])])})
    assert [[m.text for m in messages_of(c)] for c in chats] == [said, said]
    assert report.kept == 2 * len(said)


@given(st.data())
def test_any_type_in_any_field(data: st.DataObject) -> None:
    mention = {"urls": [{"url": "https://t.co/a"}], "user_mentions": [{"name": "Anna", "id_str": "2"}], "media": []}
    export = {
        "account": ACCOUNT,
        "tweets": [tweet(1, "hi https://t.co/a", entities=mention)],
        "direct_messages": [talk("1-2", sent(1, "2", "x"), {"conversationNameUpdate": {"name": "n"}})],
    }
    try:
        read({f"data/{name.replace('_', '-')}.js": script(name, value) for name, value in bent(export, data).items()})
    except SourceError as error:
        assert "\n" not in str(error)
