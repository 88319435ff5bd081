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

/// The audit records of one kind, oldest first, each as an object of its columns; `detail` is an object too.
///
/// # Errors
/// When the site's store is not SQLite, or does not read.
pub fn audit(site: &Site, kind: &str) -> Result<Vec<Value>> {
    const READ: &str = "import json, sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        store.row_factory = sqlite3.Row\n\
        text = lambda value: value.hex() if isinstance(value, bytes) else value\n\
        rows = [{key: text(row[key]) for key in row.keys()} for row in store.execute('SELECT * FROM audit WHERE kind = ? ORDER BY seq', [sys.argv[2]])]\n\
        print(json.dumps([dict(row, detail=json.loads(row['detail'])) for row in rows]))";
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
