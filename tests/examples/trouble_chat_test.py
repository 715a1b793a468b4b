#!/usr/bin/python3
"""Trouble for examples/chat: its disk, its neighbours, its own end.

usage: trouble_chat_test.py FOLDER_OF_PROGRAMS [TEST...]"""

import os
import resource
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from chat_test import Person
from service import Closed, PATIENCE, Service, main, program, refused


class Trouble(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-trouble-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "chat.db")
        self.people = []

    def start(self, *before, data=None, first=None):
        chat = Service(
            *before, program("chat"), "--port", "0", "--data", data or self.data, first=first
        )
        self.addCleanup(chat.__exit__)
        return chat

    def join(self, chat, name, **options):
        person = Person(chat, name, **options)
        self.addCleanup(person.socket.close)
        self.people.append(person)
        person.history = person.come_in()
        return person

    def end(self, chat):
        """Nobody is there who would have to answer the close."""
        for person in self.people:
            person.socket.close()
        self.assertEqual(chat.end(), 0)

    def history(self, chat, room):
        """All that was ever said there, page by page."""
        reader = self.join(chat, "Reader", room=room, after=0)
        page, messages = reader.history, []
        while True:
            messages += page["messages"]
            if not page["more"]:
                return messages
            reader.tell("history", after=messages[-1]["id"])
            page = reader.next("history")

    def test_what_was_acknowledged_survives_a_kill_in_the_middle_of_it_all(self):
        acknowledged = {}
        for life in range(3):
            chat = self.start()
            many = threading.Semaphore(0)

            def write(name, room):
                try:
                    person = Person(chat, name, room=room)
                    person.come_in()
                    for i in range(10**6):
                        key = f"{life}-{i}"
                        ack = person.say(key, f"{name} {key}")
                        acknowledged[room, ack["id"]] = f"{name} {key}"
                        many.release()
                except (Closed, OSError):
                    pass
                person.socket.close()

            writers = [
                threading.Thread(target=write, args=(f"Writer {n}", f"room-{n % 3}"))
                for n in range(8)
            ]
            for writer in writers:
                writer.start()
            for _ in range(200):
                many.acquire()
            self.assertEqual(chat.end(signal.SIGKILL), -signal.SIGKILL)
            for writer in writers:
                writer.join(PATIENCE)
        chat = self.start()
        found = {}
        for room in ("room-0", "room-1", "room-2"):
            messages = self.history(chat, room)
            keys = [(m["author"], m["key"]) for m in messages]
            self.assertEqual(len(keys), len(set(keys)), "each arrived once")
            found.update({(room, m["id"]): m["text"] for m in messages})
        self.assertGreaterEqual(len(acknowledged), 600)
        lost = {key: text for key, text in acknowledged.items() if found.get(key) != text}
        self.assertEqual(lost, {})

    def test_a_locked_database_is_busy_and_then_is_not(self):
        chat = self.start()
        ann = self.join(chat, "Ann")
        ann.say("k1", "before")
        with sqlite3.connect(self.data, isolation_level=None) as db:
            db.execute("BEGIN IMMEDIATE")
            ann.tell("say", key="k2", text="meanwhile")
            error = ann.next("error")
            self.assertEqual((error["code"], error["key"]), ("busy", "k2"))
            # Who only reads waits for nobody.
            ann.tell("history", after=0)
            self.assertEqual(len(ann.next("history")["messages"]), 1)
            db.execute("ROLLBACK")
        db.close()
        ann.say("k2", "meanwhile")
        self.end(chat)
        self.assertIn(error["request_id"], chat.said())

    def test_a_database_that_is_torn_is_told_by_the_id_that_the_log_has(self):
        chat = self.start()
        ann = self.join(chat, "Ann")
        ann.say("k1", "before")
        for name in ("chat.db", "chat.db-wal"):
            with open(os.path.join(self.folder.name, name), "r+b") as file:
                file.write(b"\xa5" * os.fstat(file.fileno()).st_size)
        with open(os.path.join(self.folder.name, "chat.db-shm"), "r+b") as file:
            file.write(b"\xa5" * 32768)
        ann.tell("say", key="k2", text="into the void")
        error = ann.next("error")
        self.assertEqual(error["code"], "storage")
        self.assertEqual(ann.close_code(), 1011)
        self.assertEqual(chat.get("/")[0], 200)
        self.end(chat)
        self.assertIn(error["request_id"], chat.said())

    def check_a_disk_that_is_full(self, chat):
        """Says more than fits; what was acknowledged is there, and all else goes on."""
        ann = self.join(chat, "Ann")
        ids = []
        while True:
            ann.tell("say", key=f"k{len(ids)}", text="x" * 4000)
            answer = ann.next("ack", "error")
            if answer["type"] == "error":
                break
            ids.append(answer["id"])
        self.assertEqual(answer["code"], "storage")
        self.assertEqual(ann.close_code(), 1011)
        self.assertGreater(len(ids), 0)
        self.assertEqual(chat.get("/")[0], 200)
        self.assertEqual(chat.get("/api/rooms")[0], 200)
        return ids, answer

    def test_a_file_that_cannot_grow_loses_nothing_that_was_acknowledged(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        chat = self.start(first=limit)
        ids, error = self.check_a_disk_that_is_full(chat)
        self.end(chat)
        self.assertIn(error["request_id"], chat.said())
        chat = self.start()
        self.assertEqual([m["id"] for m in self.history(chat, "lobby")][: len(ids)], ids)

    def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(self):
        alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        mount = ["sh", "-c", 'mount -t tmpfs -o size=1m weft "$1" && shift && exec "$@"', "sh",
            self.folder.name]
        if subprocess.run([*alone, *mount, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("may mount no small disk here")
        chat = self.start(*alone, *mount)
        ids, error = self.check_a_disk_that_is_full(chat)
        self.assertEqual([m["id"] for m in self.history(chat, "lobby")][: len(ids)], ids)
        self.end(chat)
        self.assertIn(error["request_id"], chat.said())

    def test_who_does_not_answer_the_close_holds_up_the_end_for_its_time_only(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            for again in (False, True):
                chat = self.start()
                people = [self.join(chat, f"Silent {i}") for i in range(5)]
                began = time.monotonic()
                chat.tell(number)
                for person in people:
                    person.socket.answers = False
                    self.assertEqual(person.close_code(), 1001)
                if again:
                    chat.tell(number)
                self.assertEqual(chat.end(0), 0)
                self.assertEqual(chat.said(), "")
                # A second signal does not wait for the five seconds that a close is given.
                self.assertEqual(time.monotonic() - began < 5, again)

    def test_who_vanishes_in_the_middle_of_a_message_has_left(self):
        chat = self.start()
        ann, ben = self.join(chat, "Ann"), self.join(chat, "Ben")
        ben.socket.socket.sendall(b"\x81\xff" + struct.pack("!Q", 100000) + b"mask" + b"x" * 1000)
        ben.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ben.socket.close()
        self.assertEqual(ann.next("left")["name"], "Ben")
        ann.say("k1", "still here")
        self.end(chat)

    def test_frames_that_break_the_protocol_are_closed_by_its_codes(self):
        chat = self.start()
        for frame, code in (
            (b"\x81\x05hello", 1002),  # not masked
            (b"\xc1\x80mask", 1002),  # a reserved bit
            (b"\x83\x80mask", 1002),  # an unknown opcode
            (b"\x89\xfe\x00\x80mask" + bytes(128), 1002),  # a ping that is too long
            (b"\x80\x80mask", 1002),  # nothing to go on with
            (b"\x81\x81\0\0\0\0\xff", 1007),  # no UTF-8
            (b"\x81\xff" + struct.pack("!Q", 1 << 62) + b"mask", 1009),
            (b"\x81\xff" + struct.pack("!Q", 200000) + b"mask", 1009),
        ):
            person = self.join(chat, "Ann")
            person.socket.socket.sendall(frame)
            self.assertEqual(person.close_code(), code, frame[:10])
        ann = self.join(chat, "Ann")
        ann.say("k1", "still here")

    def test_what_cannot_be_opened_is_said_in_one_line(self):
        folder = self.folder.name
        for data in (folder, "/dev/full", os.path.join(folder, "n" * 300), "/proc/no/chat.db"):
            status, out, err = refused(program("chat"), "--port", "0", "--data", data)
            self.assertEqual((status, out, len(err)), (1, "", 1), (data, err))
            self.assertIn(data[:40], err[0])


if __name__ == "__main__":
    main()
