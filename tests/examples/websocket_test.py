#!/usr/bin/python3
"""The WebSockets of examples/hello and examples/chat under a client that others wrote.

usage: websocket_test.py FOLDER_OF_PROGRAMS [TEST...]

Python's `websockets` speaks to them as a browser would; what it refuses to do wrong is done by
hand. Without it (Debian's python3-websockets) there is nothing to see: exit status 77."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import unittest

from service import PATIENCE, Closed, Service, WebSocket, main, program

try:
    import websockets
    from websockets.exceptions import ConnectionClosed, InvalidStatusCode
except ImportError:
    print("python3-websockets is not installed: tools/set_up --test installs it")
    sys.exit(77)


class Client(unittest.IsolatedAsyncioTestCase):
    def serve(self, *command):
        service = Service(*command)
        self.addCleanup(service.__exit__)
        return service

    def connect(self, service, path="/ws", **options):
        """To be awaited, or used as a context."""
        options = {"max_size": None, "max_queue": None, **options}
        url = f"ws://127.0.0.1:{service.port}{path}"
        return websockets.connect(url, open_timeout=PATIENCE, **options)

    async def closed(self, socket):
        """Code and reason of the close, which is waited for."""
        with self.assertRaises(ConnectionClosed):
            while True:
                await asyncio.wait_for(socket.recv(), PATIENCE)
        return socket.close_code, socket.close_reason

    def ended(self, service):
        """Exit status, and what was said, of one that was told to end: a second signal would cut it off."""
        status = service.process.wait(PATIENCE)
        service.end()
        return status, service.said()

    async def status(self, service, path="/ws", **options):
        """Of a handshake that is refused."""
        with self.assertRaises(InvalidStatusCode) as refused:
            await self.connect(service, path, **options)
        return refused.exception.status_code


class Hello(Client):
    def setUp(self):
        self.hello = self.serve(program("hello"), "--listen", "127.0.0.1:0", "--workers", "2")

    async def test_text_and_bytes_come_back(self):
        async with self.connect(self.hello) as ws:
            for said in ("", "hello", "Grüße, 世界 🌍", "x" * 65535, "x" * 65536):
                await ws.send(said)
                self.assertEqual(await ws.recv(), said)
            for said in (b"", os.urandom(125), os.urandom(126), os.urandom(900_000)):
                await ws.send(said)
                self.assertEqual(await ws.recv(), said)
        self.assertEqual(ws.close_code, 1000)

    async def test_fragments_are_put_together(self):
        async with self.connect(self.hello) as ws:
            await ws.send(["one ", "two ", "", "three"])
            self.assertEqual(await ws.recv(), "one two three")
            parts = [os.urandom(100_000) for _ in range(9)]
            await ws.send(parts)
            self.assertEqual(await ws.recv(), b"".join(parts))

    async def test_many_messages_on_their_way_stay_in_order(self):
        async with self.connect(self.hello) as ws:
            async def say():
                for i in range(2000):
                    await ws.send(str(i))

            saying = asyncio.create_task(say())
            self.assertEqual([await ws.recv() for _ in range(2000)], [str(i) for i in range(2000)])
            await saying

    async def test_a_ping_is_answered_with_what_it_brought(self):
        async with self.connect(self.hello) as ws:
            for payload in (b"", b"are you there?", bytes(125)):
                await asyncio.wait_for(await ws.ping(payload), PATIENCE)
            await ws.pong(b"nobody asked")
            await ws.send("still there")
            self.assertEqual(await ws.recv(), "still there")

    async def test_a_close_is_answered_with_its_code(self):
        for code, reason in ((1000, ""), (1001, "bye"), (3000, "Grüße"), (4999, "x" * 123)):
            ws = await self.connect(self.hello)
            await ws.close(code, reason)
            self.assertEqual(ws.close_code, code)
            self.assertEqual(ws.close_rcvd.code, code)
            self.assertFalse(ws.close_rcvd_then_sent)

    async def test_what_is_too_large_is_refused_with_1009(self):
        async with self.connect(self.hello) as ws:
            await ws.send(bytes(1 << 20))
            self.assertEqual(len(await ws.recv()), 1 << 20)
            await ws.send(bytes((1 << 20) + 1))
            self.assertEqual((await self.closed(ws))[0], 1009)
        async with self.connect(self.hello) as ws:
            await ws.send([bytes(1 << 19)] * 3)
            self.assertEqual((await self.closed(ws))[0], 1009)

    async def test_compression_and_subprotocols_are_left_out_when_not_spoken(self):
        async with self.connect(self.hello, compression="deflate", subprotocols=["chat"]) as ws:
            self.assertEqual((ws.extensions, ws.subprotocol), ([], None))
            await ws.send("x" * 1000)
            self.assertEqual(await ws.recv(), "x" * 1000)

    async def test_pages_of_other_origins_may_not_connect(self):
        here = f"http://127.0.0.1:{self.hello.port}"
        async with self.connect(self.hello, origin=here) as ws:
            await ws.send("from here")
            self.assertEqual(await ws.recv(), "from here")
        for origin in ("http://example.org", "null", here + "0", "https://127.0.0.1", "garbage"):
            self.assertEqual(await self.status(self.hello, origin=origin), 403)
        self.assertEqual(await self.status(self.hello, "/"), 200)
        self.assertEqual(await self.status(self.hello, "/nowhere"), 404)

    async def test_two_hundred_talk_at_once(self):
        async def talk(number):
            async with self.connect(self.hello) as ws:
                for i in range(20):
                    await ws.send(f"{number}: {i}")
                    self.assertEqual(await ws.recv(), f"{number}: {i}")

        await asyncio.gather(*(talk(number) for number in range(200)))

    async def test_everybody_is_told_that_the_server_goes_away(self):
        sockets = [await self.connect(self.hello) for _ in range(20)]
        for ws in sockets:
            await ws.send("hello")
            self.assertEqual(await ws.recv(), "hello")
        self.hello.tell(signal.SIGTERM)
        for ws in sockets:
            self.assertEqual((await self.closed(ws))[0], 1001)
        self.assertEqual((self.hello.end(0), self.hello.said()), (0, ""))

    def test_what_breaks_the_protocol_is_told_which_rule(self):
        mask = b"\0\0\0\0"
        wrong = {
            1007: [
                b"\x81\x82" + mask + b"\xc3\x28",  # no UTF-8
                b"\x81\x83" + mask + b"\xed\xa0\x80",  # a surrogate
                b"\x01\x81" + mask + b"\xe2" + b"\x80\x81" + mask + b"x",  # cut in a character
                b"\x88\x83" + mask + b"\x03\xe8\xff",  # the reason of a close
            ],
            1002: [
                b"\x81\x02hi",  # not masked
                b"\xc1\x80" + mask,  # a reserved bit
                b"\x83\x80" + mask,  # a reserved opcode
                b"\x8b\x80" + mask,
                b"\x80\x80" + mask,  # nothing to continue
                b"\x01\x80" + mask + b"\x81\x80" + mask,  # a message within a message
                b"\x09\x80" + mask,  # a control frame in fragments
                b"\x89\xfe\x00\x7e" + mask + bytes(126),  # and one too long
                b"\x81\xfe\x00\x7d" + mask + bytes(125),  # a length that could be shorter
                b"\x81\xff" + bytes(7) + b"\x01" + mask + b"x",
                b"\x82\xff\x80" + bytes(7) + mask,  # the highest bit of a length
                b"\x88\x81" + mask + b"\x03",  # half a code
                b"\x88\x82" + mask + b"\x03\xed",  # 1005 is never sent
                b"\x88\x82" + mask + b"\x03\xe7",  # 999
                b"\x88\x82" + mask + b"\x13\x88",  # 5000
            ],
            1009: [
                b"\x82\xff\x7f" + b"\xff" * 7 + mask,  # 2^63 - 1 bytes
                b"\x01\xff" + bytes(5) + b"\x10\x00\x01" + mask,
            ],
        }
        for code, inputs in wrong.items():
            for data in inputs:
                with self.subTest(code=code, data=data), WebSocket(self.hello.port, "/ws") as ws:
                    ws.socket.sendall(data)
                    with self.assertRaises(Closed) as closed:
                        ws.receive()
                    self.assertEqual(closed.exception.code, code)
                    with self.assertRaises((Closed, ConnectionResetError)):
                        ws.receive()
        self.assertEqual((self.hello.end(), self.hello.said()), (0, ""))


class Chat(Client):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weft-chat-")
        self.addCleanup(folder.cleanup)
        data = os.path.join(folder.name, "chat.db")
        self.chat = self.serve(program("chat"), "--port", "0", "--data", data, "--workers", "2")

    def join(self, name, room="lobby", **options):
        path = f"/ws/{room}?name={name}&session={name:_<16}"
        return self.connect(self.chat, path, **options)

    async def next(self, ws, kind):
        while True:
            message = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))
            if message["type"] == kind:
                return message

    async def test_a_room_is_shared_and_others_are_not(self):
        async with self.join("Ann") as ann, self.join("Ben") as ben, self.join("Cy", "den") as cy:
            for ws in (ann, ben, cy):
                await self.next(ws, "history")
            for i in range(50):
                await ann.send(json.dumps({"type": "say", "key": f"a{i}", "text": f"text {i}"}))
            heard = [(await self.next(ben, "message"))["text"] for _ in range(50)]
            self.assertEqual(heard, [f"text {i}" for i in range(50)])
            await cy.send(json.dumps({"type": "say", "key": "c", "text": "alone"}))
            self.assertEqual((await self.next(cy, "message"))["text"], "alone")

    async def test_bytes_and_what_is_no_json_end_it(self):
        for said in (b"\0\1", "{", "[]", '{"type":"dance"}'):
            async with self.join("Ann") as ws:
                await self.next(ws, "history")
                await ws.send(said)
                self.assertEqual((await self.closed(ws))[0], 4400)

    async def test_pages_of_other_origins_may_not_connect(self):
        path = "/ws/lobby?name=Eve&session=0123456789abcdef"
        self.assertEqual(await self.status(self.chat, path, origin="http://example.org"), 403)

    async def test_everybody_is_told_that_the_server_goes_away(self):
        sockets = [await self.join(f"Ann{i}") for i in range(20)]
        for ws in sockets:
            await self.next(ws, "history")
        self.chat.tell(signal.SIGTERM)
        for ws in sockets:
            self.assertEqual((await self.closed(ws))[0], 1001)
        self.assertEqual(self.ended(self.chat), (0, ""))


if __name__ == "__main__":
    main()
