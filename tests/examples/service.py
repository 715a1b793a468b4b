"""What the tests of example programs share: a program on a port of its own, and ways to talk to it.

Python's standard library is all it takes."""

import argparse
import base64
import functools
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

PATIENCE = 60  # seconds that nothing takes; sanitizers make programs slow


@functools.lru_cache
def deaf_program(path):
    with open(path, "rb") as file:
        return b"__tsan_init" in file.read()


def deaf(command):
    """Whether a signal may get lost in what the command runs."""
    return any(os.path.isfile(part) and deaf_program(part) for part in command)


class Service:
    """A program that says `listening on ADDRESS` (of a URL or a socket) and serves until it is told to end."""

    def __init__(self, *command, first=None):
        """`first` is called in the new process before the program."""
        self.errors = tempfile.TemporaryFile("w+")
        self.again = None
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, text=True, preexec_fn=first
        )
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (?:http://)?127\.0\.0\.1:([0-9]+)\n", line)
        if found is None:
            self.end(signal.SIGKILL)
            raise AssertionError(f"{command} said {line!r} and {self.said()!r}")
        self.port = int(found[1])

    def tell(self, number):
        """Sends a signal. ThreadSanitizer's runtime hands a signal to whatever fiber it met, which
        may never run again, and so now and then to nobody: there it is sent once more."""
        self.process.send_signal(number)
        if not self.again and deaf(self.process.args):
            self.again = threading.Timer(PATIENCE / 4, self.process.send_signal, (number,))
            self.again.daemon = True
            self.again.start()

    def end(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.process.returncode is None:
            self.tell(number)
        status = self.process.wait(PATIENCE)
        if self.again:
            self.again.cancel()
        self.process.stdout.close()
        return status

    def said(self):
        """All that went to its standard error."""
        self.errors.seek(0)
        return self.errors.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGKILL)
        self.errors.close()

    def ask(self, method, path, body=None, headers=None):
        """Status, headers in lower case, and the content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, fields, answer.read()
        finally:
            connection.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def get(self, path):
        return self.ask("GET", path)

    def get_json(self, path):
        status, _, content = self.get(path)
        if status != 200:
            raise AssertionError(f"{path}: {status} {content!r}")
        return json.loads(content)


def read_to_end(s):
    """What comes until the other side ends, and whether it ended in order: False for a reset."""
    parts = []
    try:
        while part := s.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        return b"".join(parts), False
    return b"".join(parts), True


def statuses(data):
    """Those of the responses in what came on one connection."""
    return [int(status) for status in re.findall(rb"(?:^|\n|\})HTTP/1\.1 ([0-9]{3}) ", data)]


def refused(*command):
    """Runs a program that must not start: its exit status and the lines it said."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE
    )
    return done.returncode, done.stdout, done.stderr.splitlines()


class Closed(Exception):
    """The other side closed a WebSocket: `code` is None when it did so without a word."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


class WebSocket:
    """A client of RFC 6455, without extensions."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.buffer = b""
        self.answers = True  # a close
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split(b" ", 2)[1])

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed(None)
        self.buffer += data

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _frame(self):
        first, second = self._take(2)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        return first & 15, self._take(size)

    def _send(self, opcode, data):
        mask = os.urandom(4)
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(head + mask + masked)

    def _answer_close(self, code):
        try:
            self._send(8, code)
        except ConnectionError:
            pass  # it did not wait for the answer

    def send(self, text):
        self._send(1, text.encode())

    def receive(self):
        """The next text; raises Closed, having answered the close unless `answers` says no."""
        while True:
            opcode, data = self._frame()
            if opcode == 1:
                return data.decode()
            if opcode == 9:
                self._send(10, data)
            if opcode == 8:
                if self.answers:
                    self._answer_close(data[:2])
                code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None
                raise Closed(code, data[2:].decode())

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


programs = argparse.Namespace(folder="")


def program(name):
    return os.path.join(programs.folder, name)


def main():
    """Runs the tests of the script that was called with the folder of the programs."""
    programs.folder = sys.argv.pop(1)
    unittest.main(verbosity=2)
