"""A client's web hook for checkpoints: behaves as a witness does (C2SP tlog-witness, add-checkpoint), and keeps every body.

hook.py PORT CERTIFICATE KEY DIRECTORY. The first request ever is answered 503. A request whose `old` is not the size last
taken is answered 409 with that size. /moved leads elsewhere on the same server.
"""

import http.server
import pathlib
import ssl
import sys

port, certificate, key, directory = sys.argv[1:]
directory = pathlib.Path(directory)
known = 0
asked = 0


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global known, asked
        asked += 1
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/moved":
            return self.answer(302, "", [("Location", f"https://127.0.0.1:{port}/hook")])
        if asked == 1 and not any(directory.iterdir()):
            return self.answer(503, "not yet")
        head, note = body.split("\n\n", 1)
        old = int(head.split("\n")[0].removeprefix("old "))
        if old != known:
            return self.answer(409, f"{known}\n", [("Content-Type", "text/x.tlog.size")])
        known = int(note.split("\n")[1])
        # Under its name only once it is whole: who waits for it reads it at once.
        unfinished = directory.with_name("unfinished")
        unfinished.write_text(body)
        unfinished.rename(directory / f"{len(list(directory.iterdir())):06}")
        self.answer(200, "")

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format, *arguments):
        print(format % arguments, file=sys.stderr, flush=True)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
