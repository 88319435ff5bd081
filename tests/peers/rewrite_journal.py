"""An administrator of the store who rewrites its journal: `rewrite_journal.py STORE ATTACK`.

Knows the tree of RFC 6962 by itself, so that what it leaves behind contradicts nothing in the store.
"""

import hashlib
import json
import sqlite3
import sys

store = sqlite3.connect(sys.argv[1], timeout=30)
for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
    store.execute(f"DROP TRIGGER {name}")
(size,) = store.execute("SELECT value FROM counters WHERE name = 'audit'").fetchone()
(session,) = store.execute("SELECT seq FROM audit WHERE kind = 'session-start'").fetchone()


def rebuild():
    """Hashes every entry anew, as a gateway would have."""
    store.execute("DELETE FROM journal_nodes")
    level = 0
    nodes = [hashlib.sha256(b"\0" + text.encode()).digest() for (text,) in
             store.execute("SELECT entry FROM journal ORDER BY seq")]
    for index, leaf in enumerate(nodes):
        store.execute("UPDATE journal SET leaf = ? WHERE seq = ?", [leaf, index + 1])
    while len(nodes) > 1:
        level += 1
        nodes = [hashlib.sha256(b"\1" + nodes[at] + nodes[at + 1]).digest() for at in range(0, len(nodes) - 1, 2)]
        store.executemany("INSERT INTO journal_nodes VALUES (?, ?, ?)",
                          [(level, index, node) for index, node in enumerate(nodes)])


def another_person():
    (text,) = store.execute("SELECT entry FROM journal WHERE seq = ?", [session]).fetchone()
    entry = json.loads(text)
    entry["person"] = "bruno"
    text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
    store.execute("UPDATE journal SET entry = ? WHERE seq = ?", [text, session])
    store.execute("UPDATE audit SET person = 'bruno' WHERE seq = ?", [session])


match sys.argv[2]:
    case "alter-words":
        another_person()
    case "alter-record":
        store.execute("UPDATE audit SET person = 'bruno' WHERE seq = ?", [session])
    case "remove-entry":
        store.execute("DELETE FROM journal WHERE seq = ?", [session])
        store.execute("DELETE FROM audit WHERE seq = ?", [session])
    case "empty-words":
        store.execute("UPDATE journal SET entry = NULL, destroyed_by = ? WHERE seq = ?", [size, session])
    case "rewrite-all":
        another_person()
        rebuild()
        store.execute("DELETE FROM checkpoints")
    case attack:
        sys.exit(f"no such attack: {attack}")
store.commit()
