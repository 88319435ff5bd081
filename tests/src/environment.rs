//! `demo.env`: the site, as variables of anyone's script.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::plan::{AUDITOR, OPERATOR, TARGET, TECHNICIANS};
use crate::site::Site;
use crate::target;

/// The text of `demo.env`, in the syntax of a POSIX shell.
///
/// # Errors
/// When the site is not serving.
pub fn text(site: &mut Site) -> Result<String> {
    let process = site.process()?.id();
    let host_key = site.host_key()?;
    let layout = site.layout();
    let mut text = String::from(
        "# Written at each start of the demo; read it with `. FILE`. Empty: not served by this version.\n",
    );
    let mut set = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}={}", shell_word(value.as_ref()));
    };
    let path = |path: std::path::PathBuf| path.display().to_string();
    set("ECLUSE", &site.gateway().binary().display().to_string());
    set("GATEWAY_PID", &process.to_string());
    set("GATEWAY_HOST", "127.0.0.1");
    set("SSH_PORT", &site.plan().ports.door.to_string());
    set("CONSOLE_URL", "");
    set("TLS_PORT", "");
    set("DATA_DIR", &path(layout.data()));
    set("TARGET", TARGET);
    set("ACCOUNT", &target::account()?);
    for ((person, station), suffix) in TECHNICIANS.into_iter().zip(["", "2"]) {
        set(&format!("TECHNICIAN{suffix}"), person);
        set(&format!("STATION_KEY{suffix}"), &path(layout.key(station)));
        set(&format!("PERSON_KEY{suffix}"), &path(layout.key(person)));
        set(&format!("TOTP_SECRET{suffix}"), &site.secret(person)?);
    }
    for (person, name) in [(OPERATOR, "OPERATOR"), (AUDITOR, "AUDITOR")] {
        set(name, person);
        set(&format!("{name}_KEY"), &path(layout.key(person)));
        set(&format!("{name}_TOTP_SECRET"), &site.secret(person)?);
    }
    set("RECORDING_KEY", &path(layout.recording_key()));
    set("GATEWAY_HOST_KEY", &host_key);
    set("TARGET_ROOT", &path(layout.target_home()));
    Ok(text)
}

/// A path as one word of a POSIX shell.
#[must_use]
pub fn shell_word(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
