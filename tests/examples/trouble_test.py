#!/usr/bin/python3
"""Bad input and trouble for a service: examples/hello and examples/users.

usage: trouble_test.py FOLDER_OF_PROGRAMS [TEST...]"""

import os
import re
import resource
import signal
import socket
import sqlite3
import struct
import tempfile
import threading
import unittest

from service import PATIENCE, Service, main, program, read_to_end, refused, statuses

HOST = b"Host: test\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


def request(line, *fields, body=b""):
    return b"\r\n".join((line, HOST[:-2]) + fields) + b"\r\n\r\n" + body


MALFORMED = {
    400: (
        b"GET / HTTP/1.1\r\n\r\n",
        request(b"GET / HTTP/1.1", b"Host: other"),
        request(b"GET  / HTTP/1.1"),
        request(b"GET / HTPP/1.1"),
        request(b"GET x HTTP/1.1"),
        request(b"G\x01T / HTTP/1.1"),
        request(b"GET /%zz HTTP/1.1"),
        request(b"GET /../../etc/passwd HTTP/1.1"),
        request(b"GET / HTTP/1.1", b"Bad Name: x"),
        request(b"GET / HTTP/1.1", b"Space : x"),
        request(b"GET / HTTP/1.1", b"Folded: x", b" y"),
        request(b"GET / HTTP/1.1", b"Nul: \0"),
        b"GET / HTTP/1.1\n" + HOST + b"\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        request(b"POST / HTTP/1.1", b"Content-Length: 5", b"Content-Length: 6", body=b"hello"),
        request(b"POST / HTTP/1.1", b"Content-Length: -1"),
        request(b"POST / HTTP/1.1", b"Content-Length: +5", body=b"hello"),
        request(b"POST / HTTP/1.1", b"Content-Length: 99999999999999999999"),
        request(b"POST / HTTP/1.1", b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        request(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    ),
    414: (request(b"GET /" + b"a" * 9000 + b" HTTP/1.1"),),
    417: (request(b"GET / HTTP/1.1", b"Expect: tea"),),
    431: (
        request(b"GET / HTTP/1.1", b"Long: " + b"x" * 20000),
        request(b"GET / HTTP/1.1", *(b"Field-%d: x" % i for i in range(120))),
    ),
    501: (request(b"CONNECT other:80 HTTP/1.1"),),
    505: (request(b"GET / HTTP/2.0"),),
}


class Hello(unittest.TestCase):
    def start(self, *options, **rest):
        hello = Service(program("hello"), "--listen", "127.0.0.1:0", *options, **rest)
        self.addCleanup(hello.__exit__)
        return hello

    def test_a_malformed_request_gets_its_status_and_the_end(self):
        hello = self.start()
        for status, requests in MALFORMED.items():
            for text in requests:
                # What would follow is not looked at: nobody knows where it begins.
                with self.subTest(text[:60]), hello.connect() as s:
                    s.sendall(text + GET)
                    data, _ = read_to_end(s)
                    self.assertEqual(statuses(data), [status])
        self.assertEqual(hello.get("/")[0], 200)
        self.assertEqual(hello.end(), 0)
        self.assertEqual(hello.said(), "")

    def test_slow_clients_are_sent_away_and_hold_up_nobody(self):
        """Ten seconds for a head, from its first byte, however often more of it comes."""
        hello = self.start("--workers", "1")
        silent = hello.connect()
        slow = [hello.connect() for _ in range(50)]
        for s in slow:
            s.sendall(b"GET / HTTP/1.1\r\n")
        ended = threading.Event()
        answers = []

        def drip():
            s = slow[0]
            s.settimeout(0.2)
            while not answers:
                try:
                    answers.append(s.recv(65536))
                except TimeoutError:
                    s.sendall(b"A: b\r\n")

        def go_on():
            while not ended.is_set():
                if hello.get("/")[0] != 200:
                    answers.append(b"an honest client was not served")

        threads = [threading.Thread(target=drip), threading.Thread(target=go_on)]
        for thread in threads:
            thread.start()
        for s in slow[1:]:
            self.assertEqual(statuses(read_to_end(s)[0]), [408])
        self.assertEqual(read_to_end(silent), (b"", True))
        threads[0].join()
        ended.set()
        threads[1].join()
        self.assertEqual([statuses(answer) for answer in answers], [[408]])
        for s in (silent, *slow):
            s.close()

    def test_a_client_that_is_gone_in_the_middle_harms_nobody(self):
        hello = self.start("--workers", "1")
        for text in (
            b"GET / HT",
            request(b"POST / HTTP/1.1", b"Content-Length: 1000", body=b"x" * 10),
            request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"5\r\nhe"),
            request(b"GET /users/7 HTTP/1.1"),
            GET * 300,
        ):
            # Often enough that the reset is met at each place of an answer.
            for reset in (False, *(True,) * 200):
                with hello.connect() as s:
                    s.sendall(text)
                    if reset:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.assertEqual(hello.get("/")[0], 200)
        self.assertEqual(hello.end(), 0)
        self.assertEqual(hello.said(), "", "it is no news for the operator")

    def test_it_goes_on_where_descriptors_are_few(self):
        """Connections wait for one another; a client whom room was made of may ask again."""
        hello = self.start(
            first=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        )
        answers = []

        def ask():
            while True:
                with hello.connect() as s:
                    try:
                        s.sendall(request(b"GET / HTTP/1.1", b"Connection: close"))
                    except ConnectionError:
                        continue
                    data, _ = read_to_end(s)
                if data:
                    answers.append(statuses(data))
                    return

        for _ in range(3):
            threads = [threading.Thread(target=ask) for _ in range(100)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
        self.assertEqual(answers, [[200]] * 300)
        silent = [hello.connect() for _ in range(100)]
        self.assertEqual(hello.get("/")[0], 200)
        for s in silent:
            s.close()
        self.assertEqual(hello.end(), 0)

    def test_the_end_comes_in_order_under_load(self):
        """Each answer that has begun is whole; a request may find the door closed, but no other way."""
        hello = self.start()
        broken = []
        busy = threading.Barrier(9)

        def ask_on():
            answered = 0
            with hello.connect() as s:
                while True:
                    try:
                        s.sendall(request(b"GET /users/7 HTTP/1.1"))
                        data = s.recv(65536)
                        while data and not data.endswith(b"}"):
                            part = s.recv(65536)
                            data = data + part if part else b""
                    except (ConnectionResetError, BrokenPipeError):
                        return
                    if not data:
                        return
                    if statuses(data) != [200] and statuses(data) != [503]:
                        broken.append(data)
                    answered += 1
                    if answered == 20:
                        busy.wait()

        threads = [threading.Thread(target=ask_on) for _ in range(8)]
        for thread in threads:
            thread.start()
        busy.wait()
        self.assertEqual(hello.end(), 0)
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(broken, [])
        self.assertEqual(hello.said(), "")

    def test_what_is_wrong_is_said_in_one_line(self):
        hello = self.start()
        for options, why in (
            (["--listen", f"127.0.0.1:{hello.port}"], f"127.0.0.1:{hello.port}: address in use"),
            (["--listen", "127.0.0.1:65536"], "127.0.0.1:65536"),
            (["--listen"], "usage"),
            (["--workers", "many"], "usage"),
            (["--nonsense"], "usage"),
        ):
            status, out, err = refused(program("hello"), *options)
            self.assertEqual((status, out, len(err)), (1, "", 1), (options, err))
            self.assertIn(why, err[0])


class Users(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-trouble-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "users.db")

    def start(self, *options):
        users = Service(program("users"), "--listen", "127.0.0.1:0", "--data", self.data, *options)
        self.addCleanup(users.__exit__)
        return users

    def test_a_body_that_is_too_large_is_not_waited_for(self):
        users = self.start()
        for fields, body in (
            ((b"Content-Length: 5000",), b""),
            ((b"Content-Length: 9999999999",), b"x" * 100000),
            ((b"Transfer-Encoding: chunked",), b"1388\r\n" + b" " * 5000),
        ):
            with users.connect() as s:
                s.sendall(request(b"POST /users HTTP/1.1", *fields, body=body))
                self.assertEqual(statuses(read_to_end(s)[0]), [413], fields)
        self.assertEqual(users.get("/users/7")[0], 200)

    def test_a_body_that_does_not_come_ends_with_the_time_of_its_route(self):
        users = self.start()
        with users.connect() as s:
            s.sendall(request(b"POST /users HTTP/1.1", b"Content-Length: 100", body=b"{"))
            self.assertEqual(statuses(s.recv(65536)), [504])

    def test_malformed_content_is_told_apart(self):
        users = self.start()
        for body in (b"", b"[]", b"{}", b'{"id":1e400}', b'{"id":1', b"\xff", b"[" * 4000):
            status, fields, content = users.ask("POST", "/users", body)
            self.assertEqual(status, 400, body)
            self.assertIn("problem", fields["content-type"])
        with users.connect() as s:
            s.sendall(request(b"POST /users HTTP/1.1", b"Transfer-Encoding: chunked", body=b"zz\r\n") + GET)
            self.assertEqual(statuses(read_to_end(s)[0]), [400])

    def test_a_full_pool_says_when_to_come_back(self):
        """Four threads and 256 places in the queue: of 400 at once some find it full."""
        users = self.start("--slow")
        clients = [users.connect() for _ in range(400)]
        for s in clients:
            s.sendall(request(b"GET /users/7 HTTP/1.1", b"Connection: close"))
        answers = [read_to_end(s)[0] for s in clients]
        for s in clients:
            s.close()
        full = [data for data in answers if statuses(data) == [503]]
        self.assertGreater(len(full), 0)
        self.assertEqual({tuple(statuses(data)) for data in answers}, {(503,), (504,)})
        for data in full:
            self.assertRegex(data.lower(), rb"\r\nretry-after: [0-9]+\r\n")
        self.assertEqual(users.get("/nowhere")[0], 404)
        self.assertEqual(users.end(), 0)

    def test_the_end_comes_in_order_when_all_threads_are_busy(self):
        users = self.start("--slow")
        clients = [users.connect() for _ in range(20)]
        for s in clients:
            s.sendall(request(b"GET /users/7 HTTP/1.1") + request(b"GET /nowhere HTTP/1.1"))
        # One answer is there, so the requests of the others are.
        first = clients[0].recv(65536)
        users.tell(signal.SIGTERM)
        for s in clients:
            data, in_order = read_to_end(s)
            data = first + data if s is clients[0] else data
            self.assertTrue(in_order)
            self.assertIn(statuses(data)[0], (504, 503))
            s.close()
        self.assertEqual(users.end(0), 0)

    def test_a_locked_database_costs_its_time_and_no_more(self):
        users = self.start()
        with sqlite3.connect(self.data, isolation_level=None) as db:
            db.execute("BEGIN EXCLUSIVE")
            status, fields, content = users.get("/users/7")
            self.assertIn(status, (500, 504))
            self.assertIn(fields["x-request-id"].encode(), content)
            db.execute("ROLLBACK")
        db.close()
        self.assertEqual(users.get("/users/7")[0], 200)
        self.assertEqual(users.end(), 0)

    def test_a_broken_database_is_told_by_the_id_that_the_log_has(self):
        users = self.start()
        with open(self.data, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(100)
            file.write(b"\xa5" * (size - 100))
            # What SQLite looks at to see that somebody else has written.
            file.seek(24)
            file.write(b"\x7f\x7f\x7f\x7f")
        status, fields, content = users.get("/users/7")
        self.assertEqual(status, 500)
        self.assertIn(fields["x-request-id"].encode(), content)
        self.assertNotIn(b"malformed", content)
        self.assertEqual(users.end(), 0)
        self.assertRegex(users.said(), "request_id=" + re.escape(fields["x-request-id"]))


if __name__ == "__main__":
    main()
