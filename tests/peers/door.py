"""The gateway's door as a Python client sees it: where it is, whose keys open it, where its codes come from."""

import os
import subprocess
import threading

import paramiko
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.common import cMSG_USERAUTH_REQUEST

PORT = int(os.environ["GATEWAY_PORT"])
KEYS = os.environ["KEYS"]
STATION = os.environ.get("STATION", "ws-1")
PERSON = os.environ.get("ECLUSE_PERSON", "alice")


def key(name):
    return paramiko.Ed25519Key.from_private_key_file(os.path.join(KEYS, name))


def code():
    """A one-time code that was not used yet."""
    answer = subprocess.run([os.environ["ASKPASS"], "code"], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def host_key():
    """The key that the site's known_hosts pins for the gateway."""
    with open(os.environ["KNOWN_HOSTS"], encoding="utf-8") as lines:
        for line in lines:
            host, kind, blob = line.split()[:3]
            if host == f"[127.0.0.1]:{PORT}":
                return kind, blob
    raise SystemExit("known_hosts names no gateway")


class PatientHandler(AuthOnlyHandler):
    """Waits for the answer before it asks: the library's own misses the answer of a server that is faster than its next line."""

    def send_auth_request(self, username, method, finish_message=lambda _message: None):
        self.auth_method = method
        self.username = username
        request = paramiko.Message()
        request.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (username, "ssh-connection", method):
            request.add_string(text)
        finish_message(request)
        self.auth_event = threading.Event()
        with self.transport.lock:
            self.transport._send_message(request)
        return self.wait_for_response(self.auth_event)


class Door(paramiko.ServiceRequestingTransport):
    """Asks for the service once; the older class asks before each method, which no RFC wants and not every server answers."""

    def get_auth_handler(self):
        return PatientHandler(self)


    # The key exchange that was agreed on; the library forgets it once it is over.
    agreed_kex = None

    def __setattr__(self, name, value):
        if name == "kex_engine" and value is not None:
            self.agreed_kex = getattr(value, "name", type(value).__name__)
        super().__setattr__(name, value)


def transport(check=True, kex=None):
    """A connection after its key exchange, before any login; with `kex`, that one alone is offered."""
    connection = Door(("127.0.0.1", PORT))
    if kex:
        connection._preferred_kex = (kex,)
    connection.start_client(timeout=20)
    shown = connection.get_remote_server_key()
    if check and (shown.get_name(), shown.get_base64()) != host_key():
        raise SystemExit(f"the gateway showed another host key: {shown.get_name()} {shown.get_base64()}")
    return connection


def login(user, connection=None):
    """Station key, person key, then a code where one is asked for: as any client does it."""
    connection = connection or transport()
    connection.auth_publickey(user, key(STATION))
    connection.auth_publickey(user, key(PERSON))
    if not connection.is_authenticated():
        connection.auth_interactive(user, lambda _title, _text, prompts: [code() for _ in prompts])
    if not connection.is_authenticated():
        raise SystemExit("not logged in")
    return connection
