"""Small valid exports of every format: what the fuzzer begins with. A source takes as seeds those that it recognises."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

BODY = (
    b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85\x92"
    b"\x84\x84\x84\x08NSString\x01\x94\x84\x01+\x05hello\x86\x84\x02iI\x01\x05\x92\x84\x84\x84\x0cNSDictionary\x00\x94\x84\x01i\x01\x86\x86"
)
LONG_BODY = BODY.replace(b"+\x05hello", b"+\x81\xc8\x00" + b"hello" * 40)
_CHAT_DB = """
PRAGMA page_size = 512;
CREATE TABLE message (ROWID INTEGER PRIMARY KEY, guid TEXT, text TEXT, attributedBody BLOB, date INTEGER, is_from_me INTEGER,
    handle_id INTEGER, associated_message_type INTEGER, item_type INTEGER, balloon_bundle_id TEXT);
CREATE TABLE handle (ROWID INTEGER PRIMARY KEY, id TEXT, person_centric_id TEXT);
CREATE TABLE chat (ROWID INTEGER PRIMARY KEY, chat_identifier TEXT, style INTEGER, display_name TEXT, account_login TEXT);
CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, PRIMARY KEY (chat_id, message_id)) WITHOUT ROWID;
CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER);
INSERT INTO handle VALUES (1, '+4915112345678', 'P'), (2, 'anna@example.org', 'P');
INSERT INTO chat VALUES (1, '+4915112345678', 45, '', 'E:me@example.org'), (2, 'chat1', 43, 'Trip', 'P:+4915112345679');
INSERT INTO chat_message_join VALUES (1, 1), (1, 2), (2, 3);
INSERT INTO chat_handle_join VALUES (1, 1), (2, 2);
INSERT INTO message VALUES (1, 'g1', 'hi', NULL, 700000000000000000, 1, 0, 0, 0, NULL);
INSERT INTO message VALUES (3, 'g3', 'Loved', NULL, 700000002, 0, 2, 2000, 0, 'app');
"""


def chat_db(body: bytes) -> bytes:
    """Messages' database with one message of this body among others."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(_CHAT_DB)
        db.execute("INSERT INTO message VALUES (2, 'g2', NULL, ?, 700000001000000000, 0, 1, 0, 0, NULL)", (body,))
        db.commit()
        return db.serialize()


WRAPPED: dict[str, Callable[[bytes], bytes]] = {"body.chat.db": chat_db}
"""File -> what makes it of its seed, where the seed is a part of it: mutating a whole database seldom reaches the parts."""

_GPT = b"""[{"title": "Bread", "create_time": 1.6e9, "current_node": "c", "conversation_id": "c1", "mapping": {
"r": {"id": "r", "parent": null, "message": null},
"a": {"id": "a", "parent": "r", "message": {"id": "a", "author": {"role": "user"}, "create_time": 1.6e9,
"content": {"content_type": "text", "parts": ["hi"]}, "metadata": {}}},
"b": {"id": "b", "parent": "a", "message": {"id": "b", "author": {"role": "assistant"},
"content": {"content_type": "text", "parts": ["yes"]}}},
"c": {"id": "c", "parent": "b", "message": {"id": "c", "author": {"role": "user"}, "create_time": null,
"content": {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "ho"]}}}}}]"""
_THREAD = rb"""{"participants": [{"name": "Zo\u00c3\u00ab"}, {"name": "Ben"}], "messages": [
{"sender_name": "Ben", "timestamp_ms": 1600000002000, "content": "Ben sent an attachment.", "share": {"link": "x"}},
{"sender_name": "Zo\u00c3\u00ab", "timestamp_ms": 1600000001000, "content": "caf\u00c3\u00a9",
"reactions": [{"reaction": "x", "actor": "Ben"}]},
{"sender_name": "Ben", "timestamp_ms": 1600000000000, "photos": [{"uri": "a.jpg"}], "is_unsent": true}],
"title": "Zo\u00c3\u00ab", "thread_path": "inbox/zoe_1234567890", "magic_words": []}"""
_TWEETS = b"""window.YTD.tweets.part0 = [ {"tweet": {"id_str": "1", "created_at": "Tue Mar 19 14:05:17 +0000 2019",
"full_text": "@anna see https://t.co/a &amp; https://t.co/p", "in_reply_to_user_id": "2", "entities": {
"urls": [{"url": "https://t.co/a", "expanded_url": "https://example.org"}], "media": [{"url": "https://t.co/p"}],
"user_mentions": [{"name": "Anna", "screen_name": "anna", "id_str": "2"}]}}} ]"""
_DIRECT = b"""window.YTD.direct_messages.part0 = [ {"dmConversation": {"conversationId": "1-2", "messages": [
{"messageCreate": {"id": "5", "senderId": "1", "recipientId": "2", "text": "ho", "createdAt": "2022-01-27T15:58:52.744Z", "urls": [
{"url": "https://t.co/b", "expanded": "https://example.org"}], "mediaUrls": []}},
{"conversationNameUpdate": {"name": "Trip"}}]}} ]"""
_MAIL = b"""From 1@xxx Tue Mar 19 14:05:17 +0000 2019
X-GM-THRID: 1
X-Gmail-Labels: =?UTF-8?Q?Gesendet?=
From: =?utf-8?Q?Zo=C3=AB?= <zoe@example.org>
To: Ben <ben@example.org>
Subject: Lunch
Message-ID: <1@example.org>
Date: Tue, 19 Mar 2019 14:05:17 +0000
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable

Lunch at the caf=C3=A9?
>From noon on.

From 2@xxx Tue Mar 19 15:05:17 +0000 2019
X-GM-THRID: 1
From: Ben <ben@example.org>
To: zoe@example.org
Subject: Re: Lunch
Message-ID: <2@example.org>
In-Reply-To: <1@example.org>
References: <1@example.org>
Date: Tue, 19 Mar 2019 15:05:17 +0000
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: base64

PHA+WWVzITwvcD4=
--b
Content-Type: text/plain

Yes!

On Tue, Mar 19, 2019 at 2:05 PM Zo <zoe@example.org> wrote:
> Lunch?

-- 
Ben
--b--

"""  # noqa: W291
_DISCORD = b"""{"guild": {"id": "0", "name": "Direct Messages"}, "channel": {"id": "7", "type": "DirectTextChat", "name": "anna"},
"exportedAt": "2022-01-01T00:00:00+00:00", "messages": [{"id": "1", "type": "Default", "timestamp": "2021-01-01T12:00:00.123+01:00",
"timestampEdited": null, "content": "hi <@5> :smile:", "author": {"id": "5", "name": "anna", "discriminator": "0000", "nickname": "Anna",
"isBot": false}, "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [{"id": "5", "name": "anna"}]},
{"id": "2", "type": "Reply", "timestamp": "2021-01-01T12:00:05+01:00", "content": "ho",
"author": {"id": "6", "name": "ben", "isBot": false},
"reference": {"messageId": "1"}}], "messageCount": 2}"""
_TELEGRAM = b"""{"name": "Anna", "type": "personal_chat", "id": 2, "messages": [
{"id": 1, "type": "message", "date": "2020-01-01T12:00:00", "date_unixtime": "1577876400", "from": "Ben", "from_id": "user1", "text": "hi"},
{"id": 2, "type": "message", "date": "2020-01-01T12:00:09", "from": "Anna", "from_id": "user2",
"text": ["see ", {"type": "link", "text": "x"}],
"text_entities": [{"type": "plain", "text": "see x"}]}, {"id": 3, "type": "service", "action": "phone_call", "text": ""}]}"""
_SIGNAL = b"""{"version": "1", "backupTimeMs": "1600000000000"}
{"account": {"givenName": "Ben"}}
{"recipient": {"id": "1", "self": {}}}
{"recipient": {"id": "2", "contact": {"e164": "4915112345678", "profileGivenName": "Anna"}}}
{"recipient": {"id": "3", "group": {"snapshot": {"title": {"title": "Trip"}}}}}
{"chat": {"id": "1", "recipientId": "2"}}
{"chatItem": {"chatId": "1", "authorId": "2", "dateSent": "1600000000000", "incoming": {}, "standardMessage": {"text": {"body": "hi"}}}}
{"chatItem": {"chatId": "1", "authorId": "1", "dateSent": "1600000001000", "outgoing": {}, "standardMessage": {"text": {"body": "ho"}}}}
{"chatItem": {"chatId": "1", "authorId": "2", "dateSent": "1600000002000", "remoteDeletedMessage": {}}}
"""
_GOOGLE = """{"messages": [{"creator": {"name": "Anna", "email": "anna@example.org", "user_type": "Human"},
"created_date": "Tuesday, January 12, 2021 at 5:44:37\u202fPM UTC", "text": "hi", "topic_id": "t", "message_id": "g/t/1"},
{"creator": {"name": "Ben", "email": "ben@example.org", "user_type": "Human"},
"created_date": "Tuesday, January 12, 2021 at 5:45:37 PM UTC", "text": "ho", "topic_id": "t", "message_id": "g/t/2",
"attached_files": [{"original_name": "a.jpg"}]}]}""".encode()

SAMPLES: dict[str, dict[str, bytes]] = {
    "whatsapp on Android": {
        "WhatsApp Chat with Anna.txt": b"12/31/23, 11:58 PM - Messages and calls are end-to-end encrypted.\n12/31/23, 11:58 PM - Anna: hi\n"
        b"more\n12/31/23, 11:59 PM - Ben: <Media omitted>\n1/1/24, 12:00 AM - Ben: ho\n"
    },
    "whatsapp on an iPhone": {
        "_chat.txt": b"[31.12.23, 23:58:01] Anna: hi\n\xe2\x80\x8e[31.12.23, 23:58:02] Ben: \xe2\x80\x8eBild weggelassen\n"
        b"[01.01.24, 00:00:00] Ben: ho\n"
    },
    "telegram": {"result.json": _TELEGRAM},
    "telegram account": {
        "result.json": b'{"personal_information": {"user_id": 1, "first_name": "Ben"}, "chats": {"list": [' + _TELEGRAM + b"]}}",
    },
    "discord by an exporter": {"anna.json": _DISCORD},
    "discord package": {
        "account/user.json": b'{"id": "5", "username": "ben", "email": "ben@example.org"}',
        "messages/index.json": b'{"7": "Direct Message with anna#0"}',
        "messages/c7/channel.json": b'{"id": "7", "type": 1, "recipients": ["5", "6"]}',
        "messages/c7/messages.json": b'[{"ID": 1, "Timestamp": "2021-01-01 12:00:00", "Contents": "hi", "Attachments": ""}]',
        "messages/c8/channel.json": b'{"id": "8", "type": 0, "name": "general", "guild": {"id": "9", "name": "G"}}',
        "messages/c8/messages.csv": b'ID,Timestamp,Contents,Attachments\n2,2021-01-01 12:00:00.123000+00:00,"ho, ho",\n',
    },
    "slack": {
        "users.json": b'[{"id": "U1", "name": "anna", "real_name": "Anna", "profile": {"display_name": "Anna", "email": "a@b.org"}},'
        b' {"id": "U2", "name": "ben", "is_bot": false, "profile": {"display_name": ""}}]',
        "channels.json": b'[{"id": "C1", "name": "general", "members": ["U1", "U2"]}]',
        "dms.json": b'[{"id": "D1", "members": ["U1", "U2"]}]',
        "general/2016-02-25.json": b'[{"type": "message", "user": "U1", "text": "hi <@U2> &amp; <https://example.org|this> <!here>",'
        b' "ts": "1456427378.000002"}, {"type": "message", "subtype": "channel_join", "user": "U2", "text": "in", "ts": "1456427379.1"},'
        b' {"type": "message", "user": "U2", "text": "ho", "ts": "1456427380.000001", "thread_ts": "1456427378.000002"}]',
        "D1/2016-02-26.json": b'[{"type": "message", "user": "U2", "text": "psst", "ts": "1456527378.000002"}, {"type": "message",'
        b' "user": "U1", "ts": "1456527379.000002", "text": "", "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section",'
        b' "elements": [{"type": "text", "text": "ho "}, {"type": "user", "user_id": "U2"}, {"type": "emoji", "name": "wave"}]}]}]}]',
    },
    "signal": {"main.jsonl": _SIGNAL, "metadata.json": b'{"version": 1}'},
    "signal as Markdown": {"Anna/chat.md": b"[2019-12-24, 12:23] Jane Doe: Hello John!\n[2020-01-17, 21:49] Me: Hello\nJane!\n"},
    "signal as text": {"chat.md": b"[2019-12-24, 12:23] Jane Doe: Hello John!\n[2020-01-17, 21:49] John Doe: Hello\nJane!\n"},
    "signal-export": {
        "Anna/data.json": b'{"date": "2019-12-24T12:23:00", "sender": "Anna", "body": "hi", "quote": "", "sticker": "", "reactions": [],'
        b' "attachments": []}\n{"date": "2019-12-24T12:24:00", "sender": "Me", "body": "ho", "reactions": [], "attachments": []}\n'
    },
    "imessage": {"chat.db": chat_db(BODY)},
    "imessage body": {"body.chat.db": BODY},
    "imessage long body": {"body.chat.db": LONG_BODY},
    "messenger": {
        "your_facebook_activity/messages/inbox/zoe_1234567890/message_1.json": _THREAD,
        "your_facebook_activity/messages/inbox/zoe_1234567890/message_2.json": _THREAD,
        "personal_information/profile_information/profile_information.json": b'{"profile_v2": {"name": {"full_name": "Ben"},'
        b' "emails": {"emails": ["ben@example.org"]}, "phone_numbers": [{"phone_number": "+49 151 12345678"}]}}',
    },
    "messenger, encrypted": {
        "messages/Anna_1.json": b'{"participants": ["Ben", "Anna"], "threadName": "Anna", "messages": [{"isUnsent": false, "media": [],'
        b' "reactions": [], "senderName": "Anna", "text": "hi", "timestamp": 1600000000000, "type": "text"}]}'
    },
    "instagram": {
        "your_instagram_activity/messages/inbox/zoe_1234567890/message_1.json": _THREAD,
        "personal_information/personal_information/personal_information.json": b'{"profile_user": [{"string_map_data": {"Name":'
        b' {"value": "Ben"}, "Username": {"value": "ben"}, "Email": {"value": "ben@example.org"}}}]}',
    },
    "one thread": {"message_1.json": _THREAD},
    "x": {
        "data/account.js": b'window.YTD.account.part0 = [ {"account": {"email": "b@example.org", "username": "ben", "accountId": "1"}} ]',
        "data/tweets.js": _TWEETS,
        "data/direct-messages.js": _DIRECT,
        "data/direct-messages-group.js": _DIRECT.replace(b'"1-2"', b'"99"'),
    },
    "one file of x": {"tweets.js": _TWEETS},
    "mbox": {"All mail Including Spam and Trash.mbox": _MAIL},
    "chatgpt": {"conversations.json": _GPT, "user.json": b'{"id": "u", "email": "ben@example.org"}'},
    "chatgpt in parts": {"conversations-000.json": _GPT, "conversations-001.json": b'{"conversations": ' + _GPT + b"}"},
    "google chat": {
        "Takeout/Google Chat/Groups/DM 1/messages.json": _GOOGLE,
        "Takeout/Google Chat/Groups/DM 1/group_info.json": b'{"members": [{"name": "Anna", "email": "a@b.org", "user_type": "Human"}]}',
        "Takeout/Google Chat/Users/User 1/user_info.json": b'{"user": {"name": "Ben", "email": "ben@example.org", "user_type": "Human"}}',
    },
    "irc": {
        "#trip.log": b"--- Log opened Tue Mar 19 14:05:17 2019\n14:05 -!- anna [a@b] has joined #trip\n14:05 <@anna> hi\n14:06 < ben> ho\n"
        b"14:07  * ben waves\n--- Day changed Wed Mar 20 2019\n[00:01:02] <anna> late\n2019-03-20 00:02:00\tben\tyes\n"
    },
    "transcript": {
        "talk.txt": b"[00:00:01] ANNA: Hello there, Ben, how are you?\nBEN: I am quite well, thank you.\nVery well.\n(00:12)\n"
        b"ANNA: That is good to hear.\nBEN: And how are you then?\n"
    },
    "notes": {
        "diary/2024-05-01.md": b"---\ntitle: May\ndate: 2024-05-01\n---\n# May\n\nToday I baked bread.\n\n- [x] flour\n> quoted\n",
        "diary/note.txt": b"A note without a date.\n\nIt has two paragraphs.\n",
    },
    "a note": {"diary.md": b"# 1 May 2024\n\nToday I baked bread.\n\n# 2 May 2024\n\nToday I ate it.\n"},
    "csv": {"messages.csv": b'date,sender,message,chat\n2024-05-01 09:30,Anna,"hi, you",Trip\n2024-05-01 09:31,Ben,"two\nlines",Trip\n'},
    "csv, semicolons": {"messages.csv": b"Zeit;Von;Text\n01.05.2024 09:30;Anna;hi\n02.05.2024 09:31;Ben;ho\n"},
    "messages": {
        "messages.jsonl": b'{"conv": "Anna", "ts": "2024-05-01T09:30", "speaker": "Ben", "text": "hi"}\n'
        b'{"conv": "Anna", "ts": "2024-05-01T09:31", "speaker": "Anna", "text": "ho"}\n'
    },
    "mission time": {"mission.jsonl": b'{"conv": "a", "ts": "-00:00:00:10", "speaker": "CDR", "text": "go"}\n'},
    "reflections": {
        "reflections.jsonl": b'{"question": "What did you learn?", "answer": "To wait.", "date": "2024-05-01"}\n'
        b'{"question": "And?", "answer": "To bake."}\n'
    },
    "chat records": {
        "chat.jsonl": b'{"messages": [{"role": "system", "content": "You are Ben."}, {"role": "user", "content": "hi"},'
        b' {"role": "assistant", "content": "ho"}]}\n'
    },
    "sharegpt": {"share.jsonl": b'{"id": "1", "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}\n'},
    "instructions": {
        "alpaca.jsonl": b'{"instruction": "Greet.", "input": "Anna", "output": "Hi, Anna!"}\n{"instruction": "Go", "output": "ho"}\n'
    },
    "texts": {"text.jsonl": b'{"text": "Today I baked bread."}\n{"text": "Today I ate it."}\n'},
    "tasks": {"tasks.jsonl": b'{"input": "hi", "output": "ho", "context": "at home", "task": "reply"}\n'},
    "records in a list": {
        "records.json": b'[{"instruction": "Greet.", "input": "", "output": "Hi!"}, {"instruction": "Go", "output": "ho"}]'
    },
}
