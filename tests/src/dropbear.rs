//! Dropbear's client of a person of the site.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::plan::TECHNICIANS;
use crate::site::Site;

/// `dbclient` with the keys of `person` and their station, which knows the gateway; where it goes and what it runs is still to be
/// added.
///
/// # Errors
/// When the keys cannot be made Dropbear's.
pub fn client(site: &Site, person: &str) -> Result<Command> {
    let layout = site.layout();
    let home = layout.root().join("dropbear");
    fs::create_dir_all(home.join(".ssh"))?;
    let port = site.plan().ports.door.to_string();
    let mut dbclient = Command::new("dbclient");
    dbclient.env("HOME", &home).args(["-y", "-p", &port]);
    let of = TECHNICIANS
        .iter()
        .find(|(technician, _)| *technician == person);
    let (_, station) = of.with_context(|| format!("{person} sits at no station"))?;
    for name in [station, person] {
        let converted = home.join(name);
        let made = Command::new("dropbearconvert")
            .args(["openssh", "dropbear"])
            .arg(layout.key(name))
            .arg(&converted)
            .output()
            .context("dropbearconvert is missing: install the package dropbear-bin")?;
        ensure!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        dbclient.arg("-i").arg(converted);
    }
    let key = site.host_key()?;
    fs::write(
        home.join(".ssh/known_hosts"),
        format!("127.0.0.1 {key}\n[127.0.0.1]:{port} {key}\n"),
    )?;
    Ok(dbclient)
}
