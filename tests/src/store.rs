//! The PostgreSQL that `tests/run` starts, for sites that keep their store there.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

/// A database of its own for one test; `None` where no server was given.
///
/// # Errors
/// When the server refuses.
pub fn database() -> Result<Option<String>> {
    let Ok(server) = std::env::var("ECLUSE_TEST_POSTGRES") else {
        return Ok(None);
    };
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
    Ok(Some(format!("{address}/{name}{options}")))
}
