#!/usr/bin/python3
"""The chat in a real browser: two pages talk while the server is killed and started again.

usage: chat_test.py --program build/release/examples/chat [--screenshots DIR] [TEST...]

The program is started as PROGRAM --port N --data FILE on a free port with a new file, and must say
`listening on http://127.0.0.1:PORT`.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from webdriver import Driver, Keys, free_port, wait_for

options = argparse.Namespace(program=None, screenshots=None)

MESSAGES = """
    return [...document.querySelectorAll('.msg .text')].map(e => {
        const copy = e.cloneNode(true);
        copy.querySelectorAll('.meta').forEach(m => m.remove());
        return copy.textContent;
    })"""
PENDING = "return document.querySelectorAll('.msg.sending, .msg.failed').length"
ONLINE = "return document.querySelector('#dot') && !document.querySelector('#dot.off')"


class Server:
    """The program on a port and a file of its own; both stay when it is started again."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-chat-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process = None

    def start(self):
        data = os.path.join(self.folder.name, "chat.db")
        command = [*options.program.split(), "--port", str(self.port), "--data", data]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if line.strip() != f"listening on {self.url}".rstrip("/"):
            self.end(signal.SIGKILL)
            raise AssertionError(f"the program said {line!r}")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def end(self, number):
        if self.process is None:
            return None
        self.process.send_signal(number)
        status = self.process.wait(30)
        self.process.stdout.close()
        self.process = None
        return status

    def close(self):
        self.end(signal.SIGKILL)
        self.folder.cleanup()


class Person:
    """Somebody at a page."""

    def __init__(self, browser, server, name):
        self.page = browser
        self.server = server
        self.name = name

    def enter(self, room="lobby"):
        self.page.go(self.server.url + "#" + room)
        self.fill("#enter-name", self.name)
        self.fill("#enter-room", room + Keys.ENTER)

    def come_in(self, room="lobby"):
        self.enter(room)
        self.wait_online()

    def fill(self, css, text):
        field = self.page.find(css)
        field.clear()
        field.type(text)

    def say(self, text):
        self.page.find("#say").type(text + Keys.ENTER)

    def wait_online(self):
        self.page.wait(f"{self.name} to be connected", ONLINE, seconds=30)

    def wait_offline(self):
        self.page.wait(f"{self.name} to notice", "return document.querySelector('.notice')")

    def sees(self):
        return self.page.run(MESSAGES)

    def wait_sees(self, texts):
        wait_for(
            f"{self.name} to see {texts}",
            lambda: self.sees() == texts or None,
            seconds=30,
        )

    def wait_all_saved(self):
        wait_for(f"{self.name}'s messages to be saved", lambda: self.page.run(PENDING) == 0, 30)

    def go_to(self, room):
        self.page.press((Keys.CONTROL, "k"))
        self.page.find("#query").type(room)
        self.page.wait("the room to be found", "return document.querySelector('#o0')")
        self.page.press(Keys.ENTER)
        title = "return document.querySelector('#title').textContent === arguments[0]"
        self.page.wait(f"the room {room}", title, room)


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = cls.enterClassContext(Driver())
        cls.desktop = cls.enterClassContext(cls.driver.browser(width=1280, height=800))
        cls.phone = cls.enterClassContext(
            cls.driver.browser(width=390, height=844, scale=2, mobile=True, dark=True)
        )

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.server.start()
        for page in (self.desktop, self.phone):
            page.go(self.server.url)
            page.run("sessionStorage.clear(); localStorage.clear()")
            page.go("about:blank")
        self.ada = Person(self.desktop, self.server, "Ada")
        self.ben = Person(self.phone, self.server, "Ben")

    def tearDown(self):
        for page in (self.desktop, self.phone):
            self.assertEqual(page.complaints(), [])
            page.go("about:blank")

    def shoot(self, name):
        if options.screenshots:
            time.sleep(0.4)  # for the eye: transitions end
            self.desktop.screenshot(os.path.join(options.screenshots, f"{name}-desktop.png"))
            self.phone.screenshot(os.path.join(options.screenshots, f"{name}-phone.png"))

    def both(self):
        return (self.ada, self.ben)

    def test_two_people_talk(self):
        self.desktop.go(self.server.url)
        self.phone.go(self.server.url)
        self.phone.find("#enter-name")
        self.shoot("door")
        for person in self.both():
            person.come_in()
        self.ada.say("Did the new loom arrive?")
        self.ben.wait_sees(["Did the new loom arrive?"])
        self.ben.say("It did. It is still in the box.")
        said = ["Did the new loom arrive?", "It did. It is still in the box."]
        for person in self.both():
            person.wait_sees(said)
            person.wait_all_saved()
        here = "return document.querySelectorAll('#members li').length === 2"
        self.desktop.wait("two members", here)
        self.phone.wait("two members", here)
        seen = "return document.querySelector('.after')?.textContent === 'Seen by 1'"
        self.phone.wait("Ben's message to be seen", seen)
        self.shoot("talk")
        self.desktop.look(True)
        self.phone.look(False)
        self.shoot("talk-other-scheme")
        self.desktop.look(False)
        self.phone.look(True)

    def test_nothing_is_lost_or_doubled_when_the_server_is_killed(self):
        for person in self.both():
            person.come_in()
        self.ada.say("before")
        self.ben.wait_sees(["before"])
        for i in range(5):
            self.ada.say(f"a{i}")
            self.ben.say(f"b{i}")
        self.server.end(signal.SIGKILL)
        for person in self.both():
            person.wait_offline()
        self.ada.say("typed while it was down")
        self.ada.say("and another")
        self.ben.say("me too")
        self.shoot("down")
        self.server.start()
        expected = {"before", "typed while it was down", "and another", "me too"}
        expected |= {f"{who}{i}" for who in "ab" for i in range(5)}
        for person in self.both():
            person.wait_online()
            person.wait_all_saved()
        wait_for(
            "both to see everything",
            lambda: len(self.ada.sees()) >= len(expected) and len(self.ben.sees()) >= len(expected),
            seconds=30,
        )
        for person in self.both():
            seen = person.sees()
            self.assertEqual(sorted(seen), sorted(expected))
            for who in "ab":
                own = [text for text in seen if text[0] == who and text[1:].isdigit()]
                self.assertEqual(own, [f"{who}{i}" for i in range(5)], "in the order they said it")
        self.assertEqual(self.ada.sees(), self.ben.sees())
        self.shoot("back")
        self.desktop.reload()
        self.ada.wait_online()
        self.ada.wait_sees(self.ben.sees())

    def test_a_server_that_is_stopped_properly_is_waited_for(self):
        for person in self.both():
            person.come_in()
        self.ada.say("before")
        self.ben.wait_sees(["before"])
        self.assertEqual(self.server.end(signal.SIGTERM), 0, "it ends in order")
        for person in self.both():
            person.wait_offline()
        self.ben.say("meanwhile")
        self.server.start()
        for person in self.both():
            person.wait_sees(["before", "meanwhile"])
            person.wait_all_saved()

    def test_it_lives_through_many_restarts(self):
        for person in self.both():
            person.come_in()
        said = []
        for i in range(4):
            for person in self.both():
                said.append(f"{person.name} {i}")
                person.say(said[-1])
                self.server.end(signal.SIGKILL)
                self.server.start()
        for person in self.both():
            wait_for("everything", lambda p=person: sorted(p.sees()) == sorted(said), 40)
            person.wait_all_saved()
        self.assertEqual(self.ada.sees(), self.ben.sees())

    def test_a_taken_name_is_refused_clearly(self):
        self.ada.come_in()
        self.ben.name = "ada"
        self.ben.enter()
        wrong = "return document.querySelector('#wrong:not([hidden])')?.textContent"
        text = self.phone.wait("the refusal", wrong)
        self.assertIn("ada", text)
        self.shoot("name-taken")
        self.ben.fill("#enter-name", "Ben" + Keys.ENTER)
        self.ben.wait_online()
        self.ben.say("Now I am in")
        self.ada.wait_sees(["Now I am in"])

    def test_other_rooms_count_what_was_not_read(self):
        for person in self.both():
            person.come_in()
        self.ada.go_to("garden")
        self.shoot("empty")
        self.ben.say("one")
        self.ben.say("two")
        count = "return document.querySelector('#mine .count')?.textContent"
        wait_for("a count of 2", lambda: self.desktop.run(count) == "2")
        self.assertIn("(2)", self.desktop.run("return document.title"))
        self.shoot("unread")
        self.desktop.press((Keys.ALT, Keys.UP))
        self.ada.wait_sees(["one", "two"])
        self.assertEqual(self.desktop.texts(".fresh"), ["New"])
        wait_for("no count", lambda: self.desktop.run(count) is None)

    def test_the_keyboard_is_enough(self):
        self.ada.come_in()
        self.ada.go_to("garden")
        focus = "return document.activeElement.id"
        self.assertEqual(self.desktop.run(focus), "say")
        self.desktop.press(*"hello", (Keys.SHIFT, Keys.ENTER), *"there", Keys.ENTER)
        self.ada.wait_sees(["hello\nthere"])
        self.desktop.press((Keys.ALT, Keys.UP))
        self.ada.wait_sees([])
        self.desktop.press((Keys.CONTROL, "k"))
        self.assertEqual(self.desktop.run(focus), "query")
        self.desktop.press(Keys.ESCAPE)
        wait_for("the focus to come back", lambda: self.desktop.run(focus) == "say")

    def test_the_console_shows_what_happens(self):
        self.ben.come_in()
        self.desktop.go(self.server.url + "weft/")
        for table in ("workers", "pools", "connections", "requests"):
            self.desktop.find(f"#{table} tbody td")
        self.desktop.find("#filter").type("/ws/lobby")
        rows = "return [...document.querySelectorAll('#requests tbody tr')].map(r => r.textContent)"
        found = wait_for("the WebSocket among the requests", lambda: self.desktop.run(rows))
        self.assertTrue(all("/ws/lobby" in row for row in found), found)
        self.phone.go(self.server.url + "weft/")
        self.phone.find("#workers tbody td")
        self.shoot("console")
        self.desktop.find("#pause").click()
        self.assertEqual(self.desktop.find("#live").text(), "Paused")
        self.desktop.find("#pause").click()
        self.server.end(signal.SIGKILL)
        notice = "return !document.querySelector('#notice').hidden"
        self.desktop.wait("the console to say that the program is gone", notice)
        self.server.start()
        self.desktop.wait("the console to go on", "return document.querySelector('.live-on')")

    def test_text_is_never_markup(self):
        for person in self.both():
            person.come_in()
        text = "<img src=x onerror=alert(1)> <b>bold</b> & https://example.org/?a=1&b=<2>"
        self.ada.say(text)
        self.ben.wait_sees([text])
        self.assertEqual(self.phone.run("return document.querySelectorAll('.text img').length"), 0)
        links = "return [...document.querySelectorAll('.text a')].map(a => a.href)"
        self.assertEqual(self.phone.run(links), ["https://example.org/?a=1&b="])

    def test_a_long_text_keeps_its_lines(self):
        for person in self.both():
            person.come_in()
        lines = [f"line {i} of a long text" for i in range(40)]
        chord = [key for line in lines for key in (*line, (Keys.SHIFT, Keys.ENTER))][:-1]
        self.desktop.press(*chord)
        self.desktop.press(Keys.ENTER)
        self.ben.wait_sees(["\n".join(lines)])
        self.shoot("long")

    def test_history_is_read_page_by_page(self):
        self.ada.come_in()
        for i in range(60):
            self.ada.say(str(i))
        self.ada.wait_all_saved()
        self.ben.come_in()
        wait_for("the last page", lambda: self.ben.sees()[-1:] == ["59"])
        self.assertLess(len(self.ben.sees()), 60)
        self.phone.run("document.querySelector('#log').scrollTop = 0")
        self.ben.wait_sees([str(i) for i in range(60)])

    def test_the_network_going_away_loses_nothing(self):
        for person in self.both():
            person.come_in()
        self.phone.offline(True)
        self.phone.run("dispatchEvent(new Event('offline'))")
        self.ada.say("can you hear me?")
        self.ben.say("said without a network")
        self.phone.offline(False)
        self.phone.run("dispatchEvent(new Event('online'))")
        for person in self.both():
            wait_for("both texts", lambda p=person: len(p.sees()) == 2, 45)
            person.wait_all_saved()
        self.assertEqual(self.ada.sees(), self.ben.sees())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", required=True, help="the chat, with options if need be")
    parser.add_argument("--screenshots", help="a directory for pictures of what the test saw")
    parser.add_argument("tests", nargs="*", help="names of tests; all unless told")
    parser.parse_args(namespace=options)
    if options.screenshots:
        os.makedirs(options.screenshots, exist_ok=True)
    names = [f"Chat.{name}" if "." not in name else name for name in options.tests]
    unittest.main(argv=[sys.argv[0], "-v", *names])


if __name__ == "__main__":
    main()
