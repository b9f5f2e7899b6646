"""A Secret Service on a session bus of its own: what GNOME's and KDE's stores speak, and no store behind it.

What it cannot show: a desktop's own prompt.  `on_unlock` says what comes of one: `opened` at once, `dismissed` by the
person, or `open` for ever.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually

DAEMON = shutil.which("dbus-daemon") if importlib.util.find_spec("jeepney") else None  # Linux only
PREFIX = "org.freedesktop.Secret."
BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""


class SecretService:
    """`items` are attributes and secrets by object path; `calls` counts what was called, in order."""

    def __init__(self, address: str, *, locked: bool, on_unlock: str) -> None:
        self.address = address
        self.items: dict[str, tuple[dict[str, str], bytes]] = {}
        self.calls: list[str] = []
        self._locked = locked
        self._unlocking = on_unlock
        self._made = 0
        self._bus: Any = importlib.import_module("jeepney")
        blocking: Any = importlib.import_module("jeepney.io.blocking")
        self._connection: Any = blocking.open_dbus_connection(bus=address)
        self._connection.send_and_get_reply(self._bus.message_bus.RequestName("org.freedesktop.secrets"))
        self._thread = threading.Thread(target=self._serve, daemon=True, name="secret service")
        self._thread.start()

    def close(self) -> None:
        """Once its bus has ended."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        self._connection.close()

    @property
    def secrets(self) -> list[bytes]:
        """All that is stored."""
        return [secret for _, secret in self.items.values()]

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the bus was ended
            while True:
                message: Any = self._connection.receive()
                if message.header.message_type is self._bus.MessageType.method_call:
                    self._answer(message)

    def _answer(self, message: Any) -> None:
        bus, fields = self._bus, message.header.fields
        path, member = fields[bus.HeaderFields.path], fields[bus.HeaderFields.member]
        self.calls.append(member)
        signature, body = getattr(self, f"_on_{member.lower()}", self._unknown)(path, *message.body)
        answer = bus.new_error(message, signature) if body is None else bus.new_method_return(message, signature, body)
        self._connection.send(answer)
        if member == "Prompt" and self._unlocking == "dismissed":
            prompt = bus.DBusAddress(path, interface=f"{PREFIX}Prompt")
            self._connection.send(bus.new_signal(prompt, "Completed", "bv", (True, ("ao", []))))

    # -- methods: the signature and the body of the answer, or the name of an error and None ------------------------
    def _unknown(self, _path: str, *_body: Any) -> tuple[str, Any]:
        return "org.freedesktop.DBus.Error.UnknownMethod", None

    def _on_get(self, _path: str, _interface: str, name: str) -> tuple[str, Any]:
        return "v", (("b", self._locked) if name == "Locked" else ("s", name),)

    def _on_opensession(self, _path: str, algorithm: str, _given: Any) -> tuple[str, Any]:
        if algorithm != "plain":
            return "org.freedesktop.DBus.Error.NotSupported", None
        return "vo", (("s", ""), "/session/1")

    def _on_unlock(self, _path: str, paths: list[str]) -> tuple[str, Any]:
        if self._unlocking == "opened":
            self._locked = False
            return "aoo", (paths, "/")
        return "aoo", ([], "/prompt/1")

    def _on_prompt(self, _path: str, _window: str) -> tuple[str, Any]:
        return "", ()

    def _on_searchitems(self, _path: str, wanted: dict[str, str]) -> tuple[str, Any]:
        return "ao", ([path for path, (has, _) in self.items.items() if wanted.items() <= has.items()],)

    def _on_createitem(self, _path: str, properties: Any, secret: Any, _replace: Any) -> tuple[str, Any]:
        attributes = dict(properties[f"{PREFIX}Item.Attributes"][1])
        same = (path for path, (has, _) in self.items.items() if has == attributes)
        self._made += 1
        path = next(same, f"/item/{self._made}")
        self.items[path] = attributes, bytes(secret[2])
        return "oo", (path, "/")

    def _on_getsecret(self, path: str, session: str) -> tuple[str, Any]:
        return "(oayays)", ((session, b"", self.items[path][1], "text/plain"),)

    def _on_delete(self, path: str) -> tuple[str, Any]:
        del self.items[path]
        return "o", ("/",)


@contextlib.contextmanager
def served(*, locked: bool = False, on_unlock: str = "opened") -> Iterator[SecretService]:
    """One on a bus that only this test knows."""
    assert DAEMON is not None
    with tempfile.TemporaryDirectory() as folder:
        socket, settings = Path(folder, "bus"), Path(folder, "bus.conf")
        settings.write_text(BUS.format(socket=socket), encoding="utf-8")
        words = [DAEMON, f"--config-file={settings}", "--nofork", "--nopidfile", "--nosyslog"]
        bus = subprocess.Popen(words, stderr=subprocess.DEVNULL, env={"PATH": os.environ.get("PATH", "")})
        try:
            eventually(socket.exists, bool)
            service = SecretService(f"unix:path={socket}", locked=locked, on_unlock=on_unlock)
            yield service
        finally:
            bus.terminate()
            bus.wait(20)
        service.close()
