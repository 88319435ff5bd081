"""A stranger at the door who shows keys: what the gateway answers to each, byte by byte, and in what time.

usage: offers.py offer|sign ROUNDS USER KEY...   each key offered, or shown with a signature, in turns; KEY is a file of the site,
                                                 or `new` for one that nobody has seen
       offers.py storm COUNT USER                signatures by keys that nobody has, eight on each connection, after a station's
"""

import io
import statistics
import sys
import time

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from paramiko.common import MSG_SERVICE_REQUEST, MSG_USERAUTH_BANNER, MSG_USERAUTH_REQUEST

import door


def new_key():
    private = ed25519.Ed25519PrivateKey.generate()
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text.decode()))


class Stranger:
    """A connection on which every answer is kept as it came."""

    def __init__(self):
        self.connection = door.Door(("127.0.0.1", door.PORT))
        self.answers = []
        self.watching = False
        original = self.connection.packetizer.read_message

        def read_message():
            kind, message = original()
            # What no question of ours is answered by (RFC 8308) is left to the library.
            if not self.watching or kind < 5 or kind == 7:
                return kind, message
            # The banner comes once a connection, whoever shows what.
            if kind != MSG_USERAUTH_BANNER:
                self.answers.append((kind, message.asbytes()))
            # What the library ignores, in place of what it would act upon.
            return 2, paramiko.Message(bytes(4))

        self.connection.packetizer.read_message = read_message
        self.connection.start_client(timeout=20)
        self.watching = True
        self.ask(MSG_SERVICE_REQUEST, "ssh-userauth")

    def ask(self, kind, *parts):
        message = paramiko.Message()
        message.add_byte(bytes([kind]))
        for part in parts:
            if isinstance(part, bool):
                message.add_boolean(part)
            else:
                message.add_string(part)
        before = len(self.answers)
        began = time.monotonic()
        self.connection._send_message(message)
        while len(self.answers) == before:
            if not self.connection.is_active() or time.monotonic() > began + 20:
                raise EOFError
            time.sleep(0.0005)
        return time.monotonic() - began

    def show(self, user, key, sign):
        parts = [user, "ssh-connection", "publickey", sign, key.get_name(), key.asbytes()]
        if sign:
            signed = paramiko.Message()
            signed.add_string(self.connection.session_id)
            signed.add_byte(bytes([MSG_USERAUTH_REQUEST]))
            for part in parts[:3]:
                signed.add_string(part)
            signed.add_boolean(True)
            for part in parts[4:]:
                signed.add_string(part)
            parts.append(key.sign_ssh_data(signed.asbytes(), key.get_name()).asbytes())
        return self.ask(MSG_USERAUTH_REQUEST, *parts)

    def close(self):
        self.connection.close()


def compare(sign, rounds, user, names):
    times = {name: [] for name in names}
    answers = {}
    for _ in range(rounds):
        for name in names:
            stranger = Stranger()
            key = new_key() if name == "new" else door.key(name)
            times[name].append(stranger.show(user, key, sign))
            answers.setdefault(name, set()).add(stranger.answers[-1])
            stranger.close()
    for name in names:
        told = sorted(f"{kind}:{body.hex()}" for kind, body in answers[name])
        print(f"{name} {statistics.median(times[name]) * 1000:.3f} {' '.join(told)}", flush=True)


def storm(count, user):
    shown = 0
    while shown < count:
        stranger = Stranger()
        # A stranger who holds a station's key: without one, keys that nobody has are not asked for a signature.
        stranger.show(user, door.key(door.STATION), True)
        try:
            for _ in range(min(8, count - shown)):
                stranger.show(user, new_key(), True)
                shown += 1
        except EOFError:
            pass
        stranger.close()
    print(f"shown: {shown}", flush=True)


if sys.argv[1] == "storm":
    storm(int(sys.argv[2]), sys.argv[3])
else:
    compare(sys.argv[1] == "sign", int(sys.argv[2]), sys.argv[3], sys.argv[4:])
