#!/usr/bin/python3
"""examples/chat: what docs/chat.md promises, over its sockets.

usage: chat_test.py FOLDER_OF_PROGRAMS [TEST...]"""

import json
import os
import signal
import sqlite3
import tempfile
import unittest
from urllib.parse import urlencode

from service import Closed, Service, WebSocket, main, program, refused


class Person:
    """Somebody in a room."""

    def __init__(self, chat, name, room="lobby", after=None, session=None):
        self.session = session or f"session-of-{name:_<12}".replace(" ", "-")
        query = {"name": name, "session": self.session}
        if after is not None:
            query["after"] = after
        self.socket = WebSocket(chat.port, f"/ws/{room}?{urlencode(query)}")

    def next(self, *kinds):
        """The next message of these types; what comes before it is passed over."""
        while True:
            message = json.loads(self.socket.receive())
            if message["type"] in kinds:
                return message

    def come_in(self):
        """The page of history that is sent first."""
        self.welcome = self.next("welcome")
        self.members = self.next("members")
        return self.next("history")

    def tell(self, kind, **fields):
        self.socket.send(json.dumps({"type": kind, **fields}))

    def say(self, key, text):
        self.tell("say", key=key, text=text)
        return self.next("ack")

    def close_code(self):
        try:
            while True:
                self.socket.receive()
        except Closed as closed:
            return closed.code


class Chat(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-chat-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "chat.db")

    def start(self, *options):
        service = Service(program("chat"), "--port", "0", "--data", self.data, *options)
        self.addCleanup(service.__exit__)
        return service

    def join(self, chat, name, **options):
        person = Person(chat, name, **options)
        self.addCleanup(person.socket.close)
        return person

    def test_two_people_talk(self):
        chat = self.start()
        ann, ben = self.join(chat, "Ann"), self.join(chat, "Ben")
        self.assertEqual(ann.come_in()["messages"], [])
        ben.come_in()
        self.assertEqual({m["name"] for m in ben.members["members"]} - {"Ann", "Ben"}, set())
        ack = ann.say("k1", "Grüße <b>")
        heard = ben.next("message")
        self.assertEqual((heard["text"], heard["name"], heard["key"]), ("Grüße <b>", "Ann", "k1"))
        self.assertEqual((heard["id"], heard["prev"]), (ack["id"], ack["prev"]))
        ben.tell("seen", id=heard["id"])
        self.assertEqual(ann.next("seen")["id"], heard["id"])
        ben.tell("typing")
        self.assertEqual(ann.next("typing")["name"], "Ben")
        ann.tell("ping")
        ann.next("pong")
        rooms = chat.get_json("/api/rooms")["rooms"]
        self.assertEqual([(r["name"], r["last_id"], r["members"]) for r in rooms],
            [("lobby", ack["id"], 2)])
        ben.socket.close()
        self.assertEqual(ann.next("left")["name"], "Ben")

    def test_saying_it_again_finds_the_first_one(self):
        chat = self.start()
        ann = self.join(chat, "Ann")
        ann.come_in()
        first = ann.say("k1", "once")
        self.assertEqual(ann.say("k1", "once")["id"], first["id"])
        ann.tell("history", after=0)
        self.assertEqual([m["text"] for m in ann.next("history")["messages"]], ["once"])

    def test_what_was_acknowledged_survives_a_kill(self):
        chat = self.start()
        ann = self.join(chat, "Ann")
        ann.come_in()
        ids = [ann.say(f"k{i}", f"text {i}")["id"] for i in range(20)]
        for i in range(20, 30):  # on their way
            ann.tell("say", key=f"k{i}", text=f"text {i}")
        chat.end(signal.SIGKILL)
        chat = self.start()
        ann = self.join(chat, "Ann", after=0, session=ann.session)
        page = ann.come_in()["messages"]
        self.assertEqual([m["id"] for m in page][:20], ids)
        self.assertEqual([m["text"] for m in page], [f"text {i}" for i in range(len(page))])

    def test_a_client_that_comes_back_gets_what_it_missed(self):
        chat = self.start()
        ann, ben = self.join(chat, "Ann"), self.join(chat, "Ben")
        ann.come_in()
        ben.come_in()
        last = ann.say("k0", "before")["id"]
        ben.next("message")
        ben.socket.close()
        for i in range(3):
            ann.say(f"m{i}", f"missed {i}")
        ben = self.join(chat, "Ben", after=last, session=ben.session)
        texts = [m["text"] for m in ben.come_in()["messages"]]
        self.assertEqual(texts, ["missed 0", "missed 1", "missed 2"])

    def test_refusals_are_said_before_the_close(self):
        chat = self.start()
        ann = self.join(chat, "Ann")
        ann.come_in()
        for options, code, close in (
            ({"name": "ANN"}, "name-taken", 4409),
            ({"name": "Ben", "room": "No-Room"}, "bad-room", 4400),
            ({"name": " "}, "bad-name", 4400),
            ({"name": "Ben", "session": "short"}, "bad-session", 4400),
            ({"name": "Ben", "after": "x"}, "bad-after", 4400),
        ):
            person = self.join(chat, **options)
            error = person.next("error")
            self.assertEqual(error["code"], code)
            if code == "name-taken":
                self.assertIn("ANN", error["text"])
            self.assertNotEqual(error["request_id"], "")
            self.assertEqual(person.close_code(), close)
        ann.tell("say", key="k1", text="x" * 70000)
        self.assertEqual(ann.next("error")["code"], "too-long")
        ann.tell("say", key="k2", text=" \n ")
        self.assertEqual(ann.next("error")["code"], "empty")
        ann.tell("dance")
        self.assertEqual(ann.next("error")["code"], "bad-message")
        self.assertEqual(ann.close_code(), 4400)

    def test_the_same_person_takes_the_place_over(self):
        chat = self.start()
        older = self.join(chat, "Ann")
        older.come_in()
        newer = self.join(chat, "Ann", session=older.session)
        newer.come_in()
        self.assertEqual(older.next("replaced")["by"], newer.welcome["ticket"])
        older.tell("ping")
        self.assertEqual(older.close_code(), 4001)
        newer.say("k1", "still here")

    def test_it_ends_in_order_and_says_so_to_its_clients(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            chat = self.start()
            ann = self.join(chat, "Ann")
            ann.come_in()
            chat.tell(number)
            self.assertEqual(ann.close_code(), 1001)
            self.assertEqual(chat.end(0), 0)
            self.assertEqual(chat.said(), "")

    def test_a_broken_store_is_told_by_the_id_that_the_log_has(self):
        chat = self.start()
        ann = self.join(chat, "Ann")
        ann.come_in()
        db = sqlite3.connect(self.data)
        self.addCleanup(db.close)
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")
            if not name.startswith("sqlite_")]
        for name in tables:
            db.execute(f'DROP TABLE "{name}"')
        db.commit()
        ann.tell("say", key="k1", text="into the void")
        error = ann.next("error")
        self.assertEqual(error["code"], "storage")
        self.assertEqual(ann.close_code(), 1011)
        status, fields, content = chat.get("/api/rooms")
        self.assertEqual(status, 500)
        self.assertEqual(chat.end(), 0)
        self.assertIn(error["request_id"], chat.said())
        self.assertIn(fields["x-request-id"], chat.said())

    def test_its_page_and_console_are_there(self):
        chat = self.start("--workers", "2")
        ann = self.join(chat, "Ann")
        ann.come_in()
        for path in ("/", "/weft/"):
            status, fields, content = chat.get(path)
            self.assertEqual(status, 200)
            self.assertIn("text/html", fields["content-type"])
            self.assertIn(b"<!doctype html>", content.lower()[:20])
        state = chat.get_json("/weft/api/state")
        self.assertEqual(len(state["workers"]), 2)
        self.assertEqual({p["name"] for p in state["pools"]}, {"default", "store"})
        self.assertIn("websocket", {c["protocol"] for c in state["connections"]})
        self.assertEqual(chat.ask("GET", "/weft/", headers={"Host": "evil.example"})[0], 403)

    def test_what_is_wrong_is_said_in_one_line(self):
        chat = self.start()
        broken = os.path.join(self.folder.name, "broken.db")
        with open(broken, "w") as file:
            file.write("this is not a database, and long enough to be seen as none\n" * 20)
        other = os.path.join(self.folder.name, "other.db")
        for options, why in (
            (["--port", str(chat.port), "--data", other], "in use"),
            (["--port", "0", "--data", broken], broken),
            (["--port", "0", "--data", os.path.join(self.folder.name, "no", "x.db")], "no"),
            (["--port", "65536"], "65535"),
            (["--workers", "0"], "1 to 1024"),
            (["--nonsense"], "--nonsense"),
            (["--data"], "needs a value"),
            (["--redis", "redis://127.0.0.1:1"], "Redis"),
        ):
            status, out, err = refused(program("chat"), *options)
            self.assertEqual((status, out, len(err)), (1, "", 1), (options, err))
            self.assertIn(why, err[0])

    def test_help_is_no_failure(self):
        status, out, err = refused(program("chat"), "--help")
        self.assertEqual((status, err), (0, []))
        self.assertIn("usage: chat", out)


if __name__ == "__main__":
    main()
