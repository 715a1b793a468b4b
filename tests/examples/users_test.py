#!/usr/bin/python3
"""examples/users: a lookup that blocks, bounded in time.

usage: users_test.py FOLDER_OF_PROGRAMS [TEST...]"""

import json
import os
import tempfile
import unittest

from service import Service, main, program, refused


class Users(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-users-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "users.db")

    def start(self, *options):
        service = Service(
            program("users"), "--listen", "127.0.0.1:0", "--data", self.data, *options
        )
        self.addCleanup(service.__exit__)
        return service

    def test_it_finds_who_is_there(self):
        users = self.start()
        self.assertEqual(users.get_json("/users/7"), {"id": 7, "name": "user 7"})
        status, _, content = users.ask("POST", "/users", b'{"id": 8}')
        self.assertEqual((status, json.loads(content)), (200, {"id": 8, "name": "user 8"}))
        self.assertEqual(users.get("/users/100000")[0], 404)
        self.assertEqual(users.get("/users/x")[0], 400)
        self.assertEqual(users.ask("POST", "/users", b'{"id": "x"}')[0], 400)
        self.assertEqual(users.ask("POST", "/users", b"{")[0], 400)
        self.assertEqual(users.ask("POST", "/users", b" " * 5000)[0], 413)
        self.assertEqual(users.end(), 0)

    def test_a_deadline_interrupts_the_query(self):
        """Twice as many as there are connections: each is given back by its interrupt, or the
        later queries would find none. Uninterrupted a query takes minutes, and so would the end."""
        users = self.start("--slow")
        for i in range(8):
            status, fields, content = users.get(f"/users/{i + 1}")
            self.assertEqual(status, 504)
            self.assertEqual(json.loads(content)["instance"], fields["x-request-id"])
        self.assertEqual(users.end(), 0)
        self.assertNotIn("stuck", users.said())

    def test_what_is_wrong_is_said_in_one_line(self):
        users = self.start()
        with open(os.path.join(self.folder.name, "broken.db"), "w") as file:
            file.write("this is not a database, and long enough to be seen as none\n" * 20)
        for options, why in (
            (["--listen", f"127.0.0.1:{users.port}", "--data", self.data], "in use"),
            (["--data", file.name], "not a database"),
            (["--data", os.path.join(self.folder.name, "no", "where.db")], "unable to open"),
            (["--nonsense"], "usage"),
        ):
            status, out, err = refused(program("users"), *options)
            self.assertEqual((status, out, len(err)), (1, "", 1), err)
            self.assertIn(why, err[0])


if __name__ == "__main__":
    main()
