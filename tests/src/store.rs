//! What a site keeps: the PostgreSQL that `tests/run` starts, for sites that keep their store there, and the audit trail as SQLite holds it.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Site;

/// A database of its own for one test.
///
/// # Errors
/// When the server refuses, or none was given: what could not be tried has not passed.
pub fn database() -> Result<String> {
    let server = std::env::var("ECLUSE_TEST_POSTGRES").context(
        "no PostgreSQL: tests/run starts one where the package postgresql is installed, or set ECLUSE_TEST_POSTGRES=postgres://…",
    )?;
    let moment = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock stands before 1970")?
        .as_nanos();
    let name = format!("site_{}_{moment}", std::process::id());
    let made = Command::new("psql")
        .arg(&server)
        .args(["-qc", &format!("CREATE DATABASE {name}")])
        .output()
        .context("psql cannot be run")?;
    ensure!(
        made.status.success(),
        "no database for the test: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let (before, options) = server
        .split_once('?')
        .map_or((server.as_str(), ""), |(before, options)| (before, options));
    let (address, _) = before
        .rsplit_once('/')
        .context("ECLUSE_TEST_POSTGRES names no database")?;
    let options = if options.is_empty() {
        String::new()
    } else {
        format!("?{options}")
    };
    Ok(format!("{address}/{name}{options}"))
}

/// The audit records of one kind, oldest first, each as the entry of the journal that it is; of one whose words were
/// destroyed, what is left. An event that concerns several clients is one for each of them.
///
/// # Errors
/// When the site's store is not SQLite, or does not read.
pub fn audit(site: &Site, kind: &str) -> Result<Vec<Value>> {
    const READ: &str = "import json, sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        rows = store.execute('SELECT a.seq, a.kind, a.client, j.entry FROM audit a JOIN journal j ON j.seq = a.seq WHERE a.kind = ? ORDER BY a.seq', [sys.argv[2]])\n\
        print(json.dumps([json.loads(entry) if entry else {'seq': seq, 'kind': kind, 'client': client, 'detail': {}} for seq, kind, client, entry in rows]))";
    let read = Command::new("python3")
        .args(["-c", READ])
        .arg(site.layout().data().join("ecluse.db"))
        .arg(kind)
        .output()
        .context("python3 cannot be run")?;
    ensure!(
        read.status.success(),
        "the audit trail does not read: {}",
        String::from_utf8_lossy(&read.stderr)
    );
    Ok(serde_json::from_slice(&read.stdout)?)
}

/// What a query finds in the site's store, row by row.
///
/// # Errors
/// When the site's store is not SQLite, or does not read.
pub fn rows(site: &Site, query: &str) -> Result<Value> {
    const READ: &str = "import json, sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        print(json.dumps(store.execute(sys.argv[2]).fetchall()))";
    let read = Command::new("python3")
        .args(["-c", READ])
        .arg(site.layout().data().join("ecluse.db"))
        .arg(query)
        .output()
        .context("python3 cannot be run")?;
    ensure!(
        read.status.success(),
        "the store does not read: {}",
        String::from_utf8_lossy(&read.stderr)
    );
    Ok(serde_json::from_slice(&read.stdout)?)
}

/// Changes the site's store past the gateway, as whoever has the machine does.
///
/// # Errors
/// When the site's store is not SQLite, or does not take it.
pub fn change(site: &Site, statements: &str) -> Result<()> {
    const CHANGE: &str = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        store.executescript(sys.argv[2])\n\
        store.commit()";
    let changed = Command::new("python3")
        .args(["-c", CHANGE])
        .arg(site.layout().data().join("ecluse.db"))
        .arg(statements)
        .output()
        .context("python3 cannot be run")?;
    ensure!(
        changed.status.success(),
        "the store was not changed: {}",
        String::from_utf8_lossy(&changed.stderr)
    );
    Ok(())
}

/// The same of one trail: a client's, or for none the gateway's own.
///
/// # Errors
/// When the site's store is not SQLite, or does not read.
pub fn audit_of(site: &Site, client: Option<&str>, kind: &str) -> Result<Vec<Value>> {
    let mut records = audit(site, kind)?;
    records.retain(|record| record.get("client").and_then(Value::as_str) == client);
    Ok(records)
}

/// The entries of the journal about a client that have words, oldest first: place, hash, and the bytes that were hashed.
///
/// # Errors
/// When the site's store is not SQLite, or does not read.
pub fn entries(site: &Site, client: &str) -> Result<Vec<(u64, String, String)>> {
    const READ: &str = "import json, sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        rows = store.execute('SELECT j.seq, hex(j.leaf), j.entry FROM journal j JOIN audit a ON a.seq = j.seq WHERE a.client = ? AND j.entry IS NOT NULL ORDER BY j.seq', [sys.argv[2]])\n\
        print(json.dumps([[seq, leaf.lower(), entry] for seq, leaf, entry in rows]))";
    let read = Command::new("python3")
        .args(["-c", READ])
        .arg(site.layout().data().join("ecluse.db"))
        .arg(client)
        .output()
        .context("python3 cannot be run")?;
    ensure!(
        read.status.success(),
        "the journal does not read: {}",
        String::from_utf8_lossy(&read.stderr)
    );
    Ok(serde_json::from_slice(&read.stdout)?)
}
