#!/usr/bin/python3
"""examples/contract as conformance suites know it: every path, with Python's client and curl's.

usage: contract_test.py FOLDER_OF_PROGRAMS [TEST...]"""

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import unittest

from service import PATIENCE, Service, WebSocket, main, program, refused


class Contract(unittest.TestCase):
    def setUp(self):
        self.service = Service(program("contract"), "--listen", "127.0.0.1:0", "--workers", "1")
        self.addCleanup(self.service.__exit__)

    def talk(self, sent):
        """All that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.service.port), PATIENCE) as s:
            s.sendall(sent)
            data = b""
            while more := s.recv(65536):
                data += more
            return data

    def post_chunked(self, *chunks, end=b"0\r\n\r\n"):
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end
        return self.talk(
            b"POST /any HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + body
        )

    def test_any_method_and_path_is_answered(self):
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE", "MKCOL"):
            for path in ("/", "/a/b/c", "/%7e/x?y=z"):
                status, _, content = self.service.ask(method, path)
                self.assertEqual((status, content), (200, b"OK\n"), (method, path))

    def test_head_has_the_length_and_no_content(self):
        status, fields, content = self.service.ask("HEAD", "/big?n=100000")
        self.assertEqual((status, content), (200, b""))
        self.assertEqual(fields["content-length"], "100000")

    def test_a_body_of_known_length_comes_back_as_one(self):
        for size in (1, 100, 16384, 16385, 3000000):
            body = bytes(i % 251 for i in range(256)) * (size // 256 + 1)
            status, fields, content = self.service.ask("POST", "/x", body[:size])
            self.assertEqual((status, fields["content-length"]), (200, str(size)))
            self.assertNotIn("transfer-encoding", fields)
            self.assertTrue(content == body[:size], size)
        _, fields, _ = self.service.ask("POST", "/x", b"{}", {"Content-Type": "application/json"})
        self.assertEqual(fields["content-type"], "application/json")

    def test_a_chunked_body_comes_back_chunked(self):
        answer = self.post_chunked(b"hello, ", b"world")
        head, body = answer.split(b"\r\n\r\n", 1)
        self.assertIn(b"transfer-encoding: chunked", head.lower())
        self.assertNotIn(b"content-length", head.lower())
        self.assertIn(b"hello, world", body)
        self.assertTrue(body.endswith(b"\r\n0\r\n\r\n"), body)
        self.assertTrue(self.post_chunked().endswith(b"\r\n\r\n0\r\n\r\n"))

    def test_a_broken_body_is_refused_by_status(self):
        self.assertIn(b"HTTP/1.1 400 ", self.post_chunked(b"good", end=b"zz\r\n"))
        answer = self.talk(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
        self.assertIn(b"HTTP/1.1 413 ", answer)

    def test_echo_shows_the_head_as_it_came(self):
        head = (
            b"GET /echo?x=%20y HTTP/1.1\r\nhOST: example.org:80\r\nX-Empty: \r\nx-Twice: 1\r\n"
            b"X-Twice: two  words\r\nConnection: close\r\n\r\n"
        )
        self.assertEqual(self.talk(head).split(b"\r\n\r\n", 1)[1], head)

    def test_cookies_are_listed(self):
        for sent, listed in (
            ("a=1", b"a=1\n"),
            ("a=1; b=two words;c=\"3\" ;; d=", b'a=1\nb=two words\nc="3"\nd=\n'),
            (" ; ", b""),
        ):
            _, _, content = self.service.ask("GET", "/cookie", headers={"Cookie": sent})
            self.assertEqual(content, listed)
        self.assertEqual(self.service.get("/cookie")[2], b"")

    def test_big_is_as_big_as_asked(self):
        for n in (0, 1, 65536, 65537, 5000000):
            status, fields, content = self.service.get(f"/big?n={n}")
            self.assertEqual((status, len(content)), (200, n))
            self.assertEqual(fields["content-length"], str(n))
        for query in ("", "?n=", "?n=-1", "?n=x", "?n=99999999999999999999"):
            self.assertEqual(self.service.get("/big" + query)[0], 400, query)

    def test_trace_asks_others_under_its_own_trace(self):
        heard = []

        class Other(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.append((self.path, dict(self.headers.items()), json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
        self.addCleanup(other.server_close)
        threading.Thread(target=other.serve_forever).start()
        self.addCleanup(other.shutdown)
        url = f"http://127.0.0.1:{other.server_port}"
        own = f"http://127.0.0.1:{self.service.port}/trace"
        arguments = [1, -2.5, "q\"\\\n\u00e4", True, None, {"k": [{}]}, []]
        orders = [
            {"url": url + "/a", "arguments": arguments},
            {"url": own, "arguments": [{"url": url + "/b", "arguments": []}]},
        ]
        trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        headers = {"traceparent": f"00-{trace}-{span}-01", "tracestate": "foo=1, bar=2"}
        status, _, content = self.service.ask("POST", "/trace", json.dumps(orders), headers)
        self.assertEqual((status, content), (200, b"OK\n"))
        self.assertEqual([path for path, _, _ in heard], ["/a", "/b"])
        self.assertEqual([body for _, _, body in heard], [arguments, []])
        parents = [fields["traceparent"].split("-") for _, fields, _ in heard]
        for _, trace_id, span_id, flags in parents:
            self.assertEqual((trace_id, flags), (trace, "01"))
            self.assertNotEqual(span_id, span)
        self.assertNotEqual(parents[0][2], parents[1][2])
        self.assertEqual(heard[0][1]["tracestate"].replace(" ", ""), "foo=1,bar=2")

    def test_trace_says_what_it_cannot_do(self):
        for body, status in (
            ("[", 400),
            ('[{"arguments": []}]', 400),
            ('[{"url": "ftp://a/", "arguments": []}]', 400),
            ('[{"url": "http://127.0.0.1:1/", "arguments": []}]', 502),
            ("[]", 200),
        ):
            self.assertEqual(self.service.ask("POST", "/trace", body)[0], status, body)

    def test_waiting_takes_as_long_as_asked(self):
        for path in ("/sleep", "/offload"):
            began = time.monotonic()
            self.assertEqual(self.service.get(path + "?ms=60")[0], 200)
            self.assertGreaterEqual(time.monotonic() - began, 0.06)
            self.assertEqual(self.service.get(path + "?ms=soon")[0], 400)

    def test_websocket_messages_come_back(self):
        with WebSocket(self.service.port, "/ws") as ws:
            self.assertEqual(ws.status, 101)
            for text in ("", "hello", "x" * 200000):
                ws.send(text)
                self.assertEqual(ws.receive(), text)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_agrees(self):
        url = f"http://127.0.0.1:{self.service.port}"
        for command, expected in (
            (["-d", "abc", url + "/p"], b"abc"),
            (["-H", "Transfer-Encoding: chunked", "-d", "abc", url + "/p"], b"abc"),
            (["-b", "k=v", url + "/cookie"], b"k=v\n"),
            (["-I", "-o", "/dev/null", "-w", "%{http_code}", url + "/"], b"200"),
            (["-0", url + "/"], b"OK\n"),
        ):
            done = subprocess.run(
                ["curl", "-sS", *command], stdout=subprocess.PIPE, timeout=PATIENCE
            )
            self.assertEqual((done.returncode, done.stdout), (0, expected), command)

    def test_it_ends_in_order(self):
        self.assertEqual(self.service.get("/")[0], 200)
        self.assertEqual(self.service.end(), 0)
        self.assertEqual(self.service.said(), "")

    def test_what_it_cannot_do_is_said_in_one_line(self):
        busy = f"127.0.0.1:{self.service.port}"
        for options in (["--listen", busy], ["--h2c"], ["--workers", "many"], ["--listen"]):
            status, out, err = refused(program("contract"), *options)
            self.assertEqual((status, out, len(err)), (1, "", 1), (options, err))


if __name__ == "__main__":
    main()
