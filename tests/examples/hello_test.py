#!/usr/bin/python3
"""examples/hello as those who measure it know it: its routes, its words, its end.

usage: hello_test.py FOLDER_OF_PROGRAMS [TEST...]"""

import json
import signal
import unittest

from service import Service, main, program, refused


class Hello(unittest.TestCase):
    def start(self, *options):
        service = Service(program("hello"), "--listen", "127.0.0.1:0", *options)
        self.addCleanup(service.__exit__)
        return service

    def test_its_routes_answer_as_promised(self):
        hello = self.start()
        status, fields, content = hello.get("/")
        self.assertEqual((status, content), (200, b"Hello, World!"))
        self.assertTrue(fields["content-type"].startswith("text/plain"))
        self.assertEqual(fields["content-length"], "13")
        status, fields, content = hello.get("/json")
        self.assertEqual((status, content), (200, b'{"message":"Hello, World!"}'))
        self.assertEqual(fields["content-type"], "application/json")
        status, _, content = hello.get("/users/7")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(content)["id"], 7)
        self.assertEqual(hello.get("/users/seven")[0], 400)
        self.assertEqual(hello.get("/nowhere")[0], 404)
        self.assertEqual(hello.ask("POST", "/", b"x")[0], 405)
        self.assertEqual(hello.get("/weft/")[0], 404)

    def test_it_ends_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            hello = self.start("--workers", "2")
            self.assertEqual(hello.get("/")[0], 200)
            self.assertEqual(hello.end(number), 0)
            self.assertEqual(hello.said(), "")

    def test_a_busy_port_is_said_in_one_line(self):
        hello = self.start()
        status, out, err = refused(program("hello"), "--listen", f"127.0.0.1:{hello.port}")
        self.assertEqual((status, out, len(err)), (1, "", 1), err)
        self.assertIn("in use", err[0])


if __name__ == "__main__":
    main()
