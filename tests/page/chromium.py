"""A headless Chromium, driven over pipes by the DevTools protocol."""

import collections
import fcntl
import json
import os
import select
import shutil
import signal
import time

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FIRST_FREE = 10  # above the two descriptors that Chromium reads and writes
_SECONDS = 60


def find_chromium():
    """The path of an installed Chromium, or `None`."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Chromium:
    """A browser with one page; `with` starts and ends it.

    Args:
        folder: path of a folder for its profile.
        width: int, of the window. Defaults to `1100`.
        height: int. Defaults to `900`.
    """

    def __init__(self, folder, width=1100, height=900):
        self._folder, self._size = folder, (width, height)
        self._number, self._events, self._rest = 0, collections.deque(), b""

    def __enter__(self):
        reads, self._write = _pipe()
        self._read, writes = _pipe()
        command = [
            find_chromium(),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._folder}",
            "--window-size={},{}".format(*self._size),
            "about:blank",
        ]
        actions = [
            (os.POSIX_SPAWN_DUP2, reads, 3),
            (os.POSIX_SPAWN_DUP2, writes, 4),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        self._process = os.posix_spawn(
            command[0], command, os.environ, file_actions=actions, setpgroup=0
        )
        for descriptor in (reads, writes):
            os.close(descriptor)
        (page,) = [
            target
            for target in self._send("Target.getTargets")["targetInfos"]
            if target["type"] == "page"
        ]
        attached = self._send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "DOM"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        for descriptor in (self._write, self._read):
            os.close(descriptor)
        os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def open(self, url):
        """Goes to a page and waits until it is loaded."""
        self.send("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, expression):
        """The value of a JavaScript expression, or of the promise that it gives."""
        done = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, condition):
        """Waits until a JavaScript expression is true, and gives its value."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            value = self.evaluate(condition)
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"not in {_SECONDS} s: {condition}; {self.text('#status')}")

    def text(self, selector):
        """The text of an element."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def drop(self, path, selector="#drop"):
        """Drops a file on an element."""
        x, y = self.evaluate(
            f"(({{left, top}}) => [left + 9, top + 9])(document.querySelector({selector!r})"
            ".getBoundingClientRect())"
        )
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def choose(self, path, selector):
        """Chooses a file for an input."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def forget_requests(self):
        """Forgets what was asked for so far."""
        self._events.clear()

    def requests(self):
        """The addresses that were asked for since then, in order; a list of str."""
        return [
            event["params"]["request"]["url"]
            for event in self._events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def send(self, method, **params):
        """Sends a command to the page; its result, a dict."""
        return self._send(method, self._session, **params)

    def _send(self, method, session=None, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._events.append(answer)

    def _receive(self):
        while b"\0" not in self._rest:
            assert select.select([self._read], [], [], _SECONDS)[0], "Chromium does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "Chromium ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


def _pipe():
    """Both ends of a pipe, on descriptors that Chromium leaves free, closed in other programs."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for end in ends]
    for end in ends:
        os.close(end)
    return high
