"""Turns a store of SQLite into one that an older gateway wrote: `older_store.py STORE MIGRATIONS FORMAT`.

The tables are made by the texts that made them then. What later formats keep and older ones did not, digests, numbers of
trails, salts, is left out; so are entries of kinds that came later.
"""

import hashlib
import json
import os
import pathlib
import sqlite3
import sys
import uuid

path, migrations, upto = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
JOURNAL, FACTS, CAUSES, INDEX, BOUND, BUDGETS = 3, 3, 9, 11, 10, 21
LATER = {"bindings-begin", "bound", "not-on-record", "reached", "trail-count", "changes-told", "settings-change",
         "people-accepted", "person-refused", "clearance-ended", "keep-out", "keep-out-lifted",
         "posture-high", "posture-normal"}
if upto < JOURNAL:
    # Recordings were not sealed yet, nor settings kept.
    LATER.add("recording-sealed")

today = sqlite3.connect(path, timeout=30)
today.execute("PRAGMA wal_checkpoint(truncate)")
older_path = path.with_suffix(".older")
older = sqlite3.connect(older_path)


def text_of(number):
    for file in sorted(migrations.iterdir()):
        if file.name.startswith(f"{number:04}_") and not file.name.endswith(".postgres.sql"):
            text = file.read_text()
            for old, new in [("BIGINT", "INTEGER"), ("BYTEA", "BLOB"), ("UUID", "BLOB"), ("/* STRICT */", "STRICT")]:
                text = text.replace(old, new)
            return text
    sys.exit(f"no migration {number}")


for number in range(1, upto + 1):
    older.executescript(text_of(number))
(made,) = today.execute("SELECT sql FROM sqlite_master WHERE name = '_sqlx_migrations'").fetchone()
older.execute(made)
for row in today.execute("SELECT * FROM _sqlx_migrations WHERE version <= ?", [upto]):
    older.execute(f"INSERT INTO _sqlx_migrations VALUES ({','.join('?' * len(row))})", row)
older.execute("INSERT INTO program (format, version) VALUES (?, '0.1.0')", [upto])

OTHERS = {"audit", "journal", "journal_nodes", "checkpoints", "counters", "program", "_sqlx_migrations", "copies", "remembered"}
columns = lambda store, table: [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
for (table,) in older.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
    if table in OTHERS:
        continue
    both = [name for name in columns(older, table) if name in columns(today, table)]
    both = [name for name in both if name not in ("salt", "owner")] if upto < BOUND else both
    if not both:
        continue  # Today's program has no such table.
    names = ",".join(both)
    # What the table had then and has no more, and may not be empty: no code was used yet.
    gone = [name for name in columns(older, table) if name == "last_step" and name not in both]
    into = ",".join(both + gone)
    for row in today.execute(f"SELECT {names} FROM {table}").fetchall():
        row = list(row) + [0] * len(gone)
        older.execute(f"INSERT INTO {table} ({into}) VALUES ({','.join('?' * len(row))})", row)
if upto < BUDGETS:
    # Documents of then said nothing of what may leave.
    for version, file, text in older.execute("SELECT version, file, text FROM document_texts").fetchall():
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith("extraction = ")]
        older.execute("UPDATE document_texts SET text = ? WHERE version = ? AND file = ?", ["".join(lines), version, file])


def as_then(entry, seq):
    entry = {key: value for key, value in entry.items() if key not in ("event", "nth", "previous")}
    entry["seq"] = seq
    detail = entry.get("detail", {})
    for key in [key for key in detail if key.endswith("salted-sha256") or key == "document-of"]:
        del detail[key]
    for key in ("code-step", "counted-against", "secrets-told", "copies", "people-told"):
        detail.pop(key, None)
    if upto < CAUSES:
        detail.pop("because", None)
    if upto < FACTS:
        detail.pop("settings-sha256", None)
    return entry


entries = [json.loads(text) for (text,) in today.execute("SELECT entry FROM journal ORDER BY seq")]
entries = [entry for entry in entries if entry["kind"] not in LATER]
entries = [as_then(entry, seq) for seq, entry in enumerate(entries, 1)]
bytes_of = lambda text: text and uuid.UUID(text).bytes
nodes = []
for entry in entries:
    row = [entry["seq"], uuid.uuid4().bytes, entry["at"], entry["kind"]]
    row += [entry.get(key) for key in ("person", "station", "source", "terminal", "client", "target")]
    row += [bytes_of(entry.get("intervention")), bytes_of(entry.get("session")), entry.get("verdict"), entry.get("reason")]
    row.append(json.dumps(entry.get("detail", {}), ensure_ascii=False))
    older.execute(f"INSERT INTO audit VALUES ({','.join('?' * len(row))})", row)
    if upto >= JOURNAL:
        text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
        nodes.append(hashlib.sha256(b"\0" + text.encode()).digest())
        older.execute("INSERT INTO journal (seq, leaf, entry) VALUES (?, ?, ?)", [entry["seq"], nodes[-1], text])
level = 0
while len(nodes) > 1:
    level += 1
    nodes = [hashlib.sha256(b"\1" + nodes[at] + nodes[at + 1]).digest() for at in range(0, len(nodes) - 1, 2)]
    older.executemany("INSERT INTO journal_nodes VALUES (?, ?, ?)",
                      [(level, index, node) for index, node in enumerate(nodes)])
for name, value in today.execute("SELECT name, value FROM counters").fetchall():
    value = len(entries) if name == "audit" else value
    older.execute("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)", [name, value])

older.commit()
older.close()
today.close()
for left in (f"{path}-wal", f"{path}-shm"):
    if os.path.exists(left):
        os.remove(left)
os.chmod(older_path, 0o600)
os.replace(older_path, path)
