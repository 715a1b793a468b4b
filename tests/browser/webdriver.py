"""A small WebDriver client (W3C WebDriver) on the standard library, for Chromium as Debian ships it.

    with Driver() as driver, driver.browser(width=1280, height=800) as page:
        page.go("http://127.0.0.1:8080/")
        page.find("#name").type("Ada")

Every wait has a bound and says at its end what it waited for.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]


class WebDriverError(Exception):
    pass


def wait_for(what, condition, seconds=15):
    """Calls `condition` until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        try:
            value = condition()
            if value:
                return value
            last = f"last value: {value!r}"
        except (OSError, WebDriverError) as error:
            last = f"last error: {error}"
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}; {last}")
        time.sleep(0.05)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Driver:
    """One chromedriver process on a free port; ends with its browsers when the block ends."""

    def __init__(self, program=None):
        self.program = program or shutil.which("chromedriver")
        if not self.program:
            raise WebDriverError("chromedriver is not installed (Debian: chromium-driver)")

    def __enter__(self):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [self.program, f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for("chromedriver", lambda: self.call("GET", "/status")["ready"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise WebDriverError(f"{value['error']}: {value['message'].splitlines()[0]}") from None

    def browser(self, **options):
        return Browser(self, **options)


class Browser:
    """One window with a profile of its own."""

    def __init__(self, driver, width=1280, height=800, scale=1, mobile=False, dark=False):
        self.driver = driver
        self.size = (width, height, scale, mobile, dark)

    def __enter__(self):
        width, height, scale, mobile, dark = self.size
        self.profile = tempfile.mkdtemp(prefix="weft-browser-")
        flags = FLAGS + [f"--user-data-dir={self.profile}", f"--window-size={width},{height}"]
        chrome = {"args": flags, "binary": os.environ.get("CHROMIUM", "/usr/bin/chromium")}
        wanted = {
            "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": chrome,
                "goog:loggingPrefs": {"browser": "ALL"},
            }
        }
        answer = self.driver.call("POST", "/session", {"capabilities": wanted})
        self.path = "/session/" + answer["sessionId"]
        metrics = {
            "width": width,
            "height": height,
            "deviceScaleFactor": scale,
            "mobile": mobile,
        }
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
        self.look(dark)
        return self

    def __exit__(self, *_):
        try:
            self.driver.call("DELETE", self.path)
        finally:
            shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None):
        return self.driver.call(method, self.path + path, body)

    def devtools(self, command, params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def look(self, dark):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", {"features": [scheme]})

    def offline(self, on):
        network = {"offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.devtools("Network.enable", {})
        self.devtools("Network.emulateNetworkConditions", network)

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def reload(self):
        self.call("POST", "/refresh")

    def run(self, script, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, css, seconds=15):
        def look():
            using = {"using": "css selector", "value": css}
            return Element(self, self.call("POST", "/element", using)[ELEMENT])

        return wait_for(f"an element {css}", look, seconds)

    def texts(self, css):
        """What is written in all elements that match, in the order of the page."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
        return self.run(script, css)

    def wait(self, what, script, *args, seconds=15):
        return wait_for(what, lambda: self.run(script, *args), seconds)

    def press(self, *keys):
        """Keys for whatever has the focus. A tuple is a chord: its first ones are held."""
        actions = []
        for key in keys:
            chord = key if isinstance(key, tuple) else (key,)
            actions += [{"type": "keyDown", "value": k} for k in chord]
            actions += [{"type": "keyUp", "value": k} for k in reversed(chord)]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        self.call("POST", "/actions", {"actions": [keyboard]})

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))

    def complaints(self):
        """Errors the page logged since the last call. Requests refused by a server that was down
        are the test's own doing."""
        log = self.call("POST", "/se/log", {"type": "browser"})
        network = ("WebSocket connection", "Failed to load resource")
        return [
            entry["message"]
            for entry in log
            if entry["level"] == "SEVERE" and not any(n in entry["message"] for n in network)
        ]


class Element:
    def __init__(self, browser, name):
        self.browser = browser
        self.path = "/element/" + name

    def type(self, text):
        self.browser.call("POST", self.path + "/value", {"text": text})

    def clear(self):
        self.browser.call("POST", self.path + "/clear")

    def click(self):
        self.browser.call("POST", self.path + "/click")

    def text(self):
        return self.browser.call("GET", self.path + "/text")


class Keys:
    ENTER = "\ue007"
    ESCAPE = "\ue00c"
    TAB = "\ue004"
    SHIFT = "\ue008"
    CONTROL = "\ue009"
    ALT = "\ue00a"
    UP = "\ue013"
    DOWN = "\ue015"
