//! Keys and secrets of a site, made once by stock programs and kept.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use ecluse_recordings::evidence::key::Identity;
use totp_rs::Secret;

use crate::layout::{Layout, write_private};

/// Makes the Ed25519 pair `name` unless it exists, and returns its public line.
///
/// # Errors
/// When `ssh-keygen` is missing or fails.
pub fn pair(layout: &Layout, name: &str) -> Result<String> {
    let private = layout.key(name);
    if !private.exists() {
        generate(&private, name, "ed25519")?;
    }
    public_line(&private)
}

/// Makes a pair of another kind (`ecdsa`, `rsa`) at `path`, of that kind's usual length.
///
/// # Errors
/// When `ssh-keygen` is missing or fails.
pub fn generate(path: &Path, comment: &str, kind: &str) -> Result<()> {
    generate_with(path, &["-t", kind, "-C", comment])
}

/// The same with a length in bits.
///
/// # Errors
/// When `ssh-keygen` is missing or fails.
pub fn generate_long(path: &Path, comment: &str, kind: &str, bits: &str) -> Result<()> {
    generate_with(path, &["-t", kind, "-b", bits, "-C", comment])
}

fn generate_with(path: &Path, arguments: &[&str]) -> Result<()> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", ""])
        .args(arguments)
        .arg("-f")
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .context("ssh-keygen cannot be run: install the OpenSSH client")?;
    ensure!(
        made.status.success(),
        "ssh-keygen made no key: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}

/// The public line beside a private key.
///
/// # Errors
/// When it cannot be read.
pub fn public_line(private: &Path) -> Result<String> {
    let path = private.with_extension("pub");
    Ok(fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .trim()
        .to_owned())
}

/// The SHA-256 fingerprint of a key file, as `ssh-keygen -l` writes it.
///
/// # Errors
/// When `ssh-keygen` fails.
pub fn fingerprint(key: &Path) -> Result<String> {
    let shown = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(key)
        .output()
        .context("ssh-keygen cannot be run")?;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    text.split_whitespace()
        .nth(1)
        .map(str::to_owned)
        .with_context(|| format!("no fingerprint in {text:?}"))
}

/// The one-time-password secret of `person`, made once: 160 random bits in base32.
///
/// # Errors
/// When it can be neither read nor written.
pub fn totp_secret(layout: &Layout, person: &str) -> Result<String> {
    let path = layout.secret(person);
    if !path.exists() {
        let mut bytes = [0_u8; 20];
        fs::File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut bytes))
            .context("no random bytes")?;
        write_private(&path, &format!("{}\n", Secret::from(bytes).to_base32()))?;
    }
    Ok(fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .trim()
        .to_owned())
}

/// The public half (`age1…`) of the key to recordings in `file`, which is made where it is missing.
///
/// # Errors
/// When it cannot be made or read.
pub fn reader(file: &Path) -> Result<String> {
    if !file.exists() {
        let identity = Identity::generate();
        let text = format!(
            "# public key: {}\n{}\n",
            identity.public(),
            identity.to_text().as_str()
        );
        write_private(file, &text)?;
    }
    let identities = Identity::parse_all(&std::fs::read_to_string(file)?)
        .with_context(|| format!("{} holds no age key", file.display()))?;
    let first = identities.first().context("no key")?;
    Ok(first.public().to_string())
}
