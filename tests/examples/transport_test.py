#!/usr/bin/python3
"""The programs over plain sockets as people start them: echo, proxy, line_chat.

usage: transport_test.py FOLDER_OF_PROGRAMS [TEST...]"""

import os
import signal
import socket
import subprocess
import threading
import unittest

from service import PATIENCE, Service, main, program, refused


def connect(port):
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def read_all(s):
    parts = []
    while part := s.recv(65536):
        parts.append(part)
    return b"".join(parts)


class Echo(unittest.TestCase):
    def start(self):
        echo = Service(program("echo"), "--listen", "127.0.0.1:0")
        self.addCleanup(echo.__exit__)
        return echo

    def test_it_sends_back_everything_and_the_end(self):
        echo = self.start()
        sent = os.urandom(1 << 20)
        with connect(echo.port) as s:
            sender = threading.Thread(target=lambda: (s.sendall(sent), s.shutdown(socket.SHUT_WR)))
            sender.start()
            got = read_all(s)
            sender.join()
        self.assertTrue(got == sent)

    def test_it_ends_cleanly_on_an_interrupt(self):
        echo = self.start()
        with connect(echo.port) as idle:
            idle.sendall(b"x")
            self.assertEqual(idle.recv(10), b"x")
            self.assertEqual(echo.end(signal.SIGINT), 0)
            self.assertEqual(idle.recv(10), b"")
        self.assertEqual(echo.said(), "")


class Proxy(unittest.TestCase):
    """It is handed the socket it listens on: no port is chosen that another test may take."""

    def start(self, to):
        self.front = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.front.close)
        number = self.front.fileno()
        self.process = subprocess.Popen(
            [program("proxy"), f"fd:{number}", f"127.0.0.1:{to.getsockname()[1]}"],
            stderr=subprocess.PIPE, text=True, pass_fds=(number,)
        )
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)

    def connect(self):
        return connect(self.front.getsockname()[1])

    def test_it_delivers_everything_and_then_ends_with_0(self):
        sent = os.urandom(3 << 20)
        got = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.start(listener)

        def receive():
            with listener.accept()[0] as s:
                got.append(read_all(s))

        receiver = threading.Thread(target=receive)
        receiver.start()
        with self.connect() as s:
            s.sendall(sent)
        receiver.join()
        self.assertEqual(self.process.wait(PATIENCE), 0)
        self.assertTrue(got[0] == sent)
        self.assertEqual(self.process.stderr.read(), "")

    def test_it_says_in_one_line_that_nobody_is_there(self):
        with socket.socket() as nobody:  # has the port, and does not listen
            nobody.bind(("127.0.0.1", 0))
            self.start(nobody)
            self.check_it_is_refused()

    def check_it_is_refused(self):
        with self.connect():
            self.assertEqual(self.process.wait(PATIENCE), 1)
        said = self.process.stderr.read().splitlines()
        self.assertEqual(len(said), 1, said)
        self.assertIn("refused", said[0])

    def test_it_wants_two_addresses(self):
        status, _, err = refused(program("proxy"))
        self.assertEqual((status, len(err)), (1, 1), err)


class LineChat(unittest.TestCase):
    def test_both_styles_serve_netcat_and_end_in_order(self):
        for style in ("handlers", "tasks"):
            command = (program("line_chat"), "--listen", "127.0.0.1:0", "--style", style)
            with Service(*command) as chat, connect(chat.port) as alice, connect(chat.port) as bob:
                talk = [alice.makefile("rw", newline="\n"), bob.makefile("rw", newline="\n")]
                for guest, name in zip(talk, ("alice", "bob")):
                    self.assertEqual(guest.read(11), "Your name? ")
                    guest.write(name + "\n")
                    guest.flush()
                    guest.readline()
                self.assertEqual(talk[0].readline(), "* bob has joined\n")
                talk[1].write("hello\n")
                talk[1].flush()
                self.assertEqual(talk[0].readline(), "<bob> hello\n")
                self.assertEqual(chat.end(signal.SIGINT), 0)
                self.assertEqual(talk[0].readline(), "* the chat closes\n")
                self.assertEqual(chat.said(), "")


if __name__ == "__main__":
    main()
