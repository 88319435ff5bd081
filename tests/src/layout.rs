//! Where everything of a site lies under its state directory.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The state directory of a site, and names inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the directories that are missing under `root`, readable by nobody else.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn create(root: &Path) -> Result<Self> {
        private_directory(root)?;
        let root = root
            .canonicalize()
            .with_context(|| format!("{} cannot be resolved", root.display()))?;
        let layout = Self { root };
        for directory in [
            "config/clients",
            "config/providers",
            "keys",
            "codes",
            "logs",
            "target/home",
            "ctl",
        ] {
            private_directory(&layout.root.join(directory))?;
        }
        Ok(layout)
    }

    /// The state directory of a site that was made before.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(root: &Path) -> Result<Self> {
        let root = root.canonicalize().with_context(|| {
            format!(
                "{} holds no demo: start one with `config/demo --state {}`",
                root.display(),
                root.display()
            )
        })?;
        Ok(Self { root })
    }

    /// The state directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of the documents, `gateway.toml` included.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("config")
    }

    /// The gateway's own settings.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.root.join("config/gateway.toml")
    }

    /// The gateway's data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The recordings, unless the settings put them elsewhere.
    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.root.join("data/recordings")
    }

    /// The private half of the key pair `name`; its public half is beside it, `.pub`.
    #[must_use]
    pub fn key(&self, name: &str) -> PathBuf {
        self.root.join("keys").join(name)
    }

    /// The client's own key to its recordings, as `age-keygen` writes it.
    #[must_use]
    pub fn recording_key(&self) -> PathBuf {
        self.root.join("keys/hopital.age")
    }

    /// The one-time-password secret of `person`, in base32.
    #[must_use]
    pub fn secret(&self, person: &str) -> PathBuf {
        self.root.join("keys").join(format!("{person}.totp"))
    }

    /// Which one-time codes were given out already.
    #[must_use]
    pub fn codes(&self) -> PathBuf {
        self.root.join("codes")
    }

    /// What each process wrote.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The target's own files: its sshd's configuration and keys.
    #[must_use]
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The home directory a session on the target starts in.
    #[must_use]
    pub fn target_home(&self) -> PathBuf {
        self.root.join("target/home")
    }

    /// What `ssh -F` reads.
    #[must_use]
    pub fn ssh_config(&self) -> PathBuf {
        self.root.join("ssh_config")
    }

    /// The host keys that `ssh` trusts.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.root.join("known_hosts")
    }

    /// The script which answers `ssh` when it asks for a code.
    #[must_use]
    pub fn askpass(&self) -> PathBuf {
        self.root.join("askpass")
    }

    /// The script which prints a person's code.
    #[must_use]
    pub fn code(&self) -> PathBuf {
        self.root.join("code")
    }

    /// Sockets of shared connections.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.root.join("ctl")
    }

    /// The variables for anyone's script.
    #[must_use]
    pub fn environment(&self) -> PathBuf {
        self.root.join("demo.env")
    }
}

/// Writes `text` to `path`, readable by its owner only, in one step.
///
/// # Errors
/// When the file cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    write_with_mode(path, text, 0o600)
}

/// Writes an executable script.
///
/// # Errors
/// When the file cannot be written.
pub fn write_script(path: &Path, text: &str) -> Result<()> {
    write_with_mode(path, text, 0o700)
}

fn write_with_mode(path: &Path, text: &str, mode: u32) -> Result<()> {
    use std::io::Write;
    // A name of its own for each writer, then a rename: a reader never sees half a file.
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&draft)
        .with_context(|| format!("{} cannot be written", draft.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("{} cannot be written", draft.display()))?;
    drop(file);
    fs::rename(&draft, path).with_context(|| format!("{} cannot be put in place", path.display()))
}

fn private_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("{} cannot be made", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("{} cannot be made private", path.display()))
}
