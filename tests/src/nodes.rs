//! Several gateways on one PostgreSQL: a second site beside a first, with the same people, keys, documents and store.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Site;
use crate::layout::write_private;

impl Site {
    /// Another gateway on the store of this one, which must be PostgreSQL: with a data directory and a door of its own, and
    /// this site's target. What `ssh` and `operator` of the returned site do, they do at its door.
    ///
    /// # Errors
    /// When it does not start.
    pub fn beside(&self) -> Result<Self> {
        let (first, first_plan) = (self.layout(), self.plan());
        let mut site = Self::prepare(|plan| {
            let layout = plan.layout.clone();
            copy(&first.root().join("keys"), &layout.root().join("keys"))?;
            let clients = Path::new("config/clients");
            copy(&first.root().join(clients), &layout.root().join(clients))?;
            // A code that was used at one door is used at the other too.
            fs::remove_dir(layout.codes())?;
            symlink(first.codes(), layout.codes())?;
            let keys = layout.data().join("keys");
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&keys)?;
            fs::copy(first.data().join("keys/store.key"), keys.join("store.key"))
                .context("the first gateway made no key of its store")?;
            let settings = plan.documents.settings.clone();
            plan.documents = first_plan.documents.clone();
            plan.documents.settings.data = settings.data;
            plan.documents.settings.listen = settings.listen;
            plan.ports.target = first_plan.ports.target;
            plan.target = None;
            // Everybody is enrolled, and the target's credentials are given.
            write_private(&layout.root().join("set-up"), "")
        })?;
        site.open()?;
        Ok(site)
    }

    /// The audit records of one kind in a PostgreSQL store, oldest first, each as the entry of the journal that it is.
    ///
    /// # Errors
    /// When the store does not read.
    pub fn shared_audit(&self, kind: &str) -> Result<Vec<Value>> {
        let sql = format!(
            "SELECT j.entry FROM audit a JOIN journal j ON j.seq = a.seq WHERE a.kind = '{kind}' ORDER BY a.seq"
        );
        let text = self.sql(&sql)?;
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("no entry: {line}")))
            .collect()
    }

    /// Takes the PostgreSQL store away from every gateway, while `then` happens, and gives it back.
    ///
    /// # Errors
    /// When that fails, or what happens meanwhile does.
    pub fn without_store(&self, then: impl FnOnce() -> Result<()>) -> Result<()> {
        let store = &self.plan().documents.settings.store;
        let (_, name) = store.rsplit_once('/').context("no database")?;
        let name = name.split('?').next().unwrap_or(name);
        let server = std::env::var("ECLUSE_TEST_POSTGRES").context("no PostgreSQL")?;
        let allow = |allowed: bool| format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        for statement in [&allow(false), &end] {
            ask(&server, statement)?;
        }
        let done = then();
        ask(&server, &allow(true))?;
        done
    }

    /// What a statement answers, put to the PostgreSQL store past every gateway: a row a line, columns between bars.
    ///
    /// # Errors
    /// When it fails.
    pub fn sql(&self, statement: &str) -> Result<String> {
        ask(&self.plan().documents.settings.store, statement)
    }
}

fn ask(database: &str, statement: &str) -> Result<String> {
    let done = Command::new("psql")
        .arg(database)
        .args(["-v", "ON_ERROR_STOP=1", "-qAtc", statement])
        .output()
        .context("psql cannot be run")?;
    ensure!(
        done.status.success(),
        "{statement}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
