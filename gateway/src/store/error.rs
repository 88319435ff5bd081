//! Why the store did not do what it was asked, and what to do about it.

use std::path::PathBuf;

use ecluse_recordings::log::ProofError;

use crate::secrets::SecretError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the store's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// One moment of the store was to be changed.
    #[error("a snapshot of the store is only read; this is a fault of the program")]
    Snapshot,
    /// The format could not be brought up to date.
    #[error("the store in {place} cannot be brought to this program's format: {error}")]
    Migration {
        /// The data directory, or the server.
        place: String,
        /// Why.
        error: sqlx::migrate::MigrateError,
    },
    /// The database is on another machine, and nothing proves who answers there.
    #[error(
        "the store's database at {host}:{port} is on another machine, and its address does not demand a proof of who answers there: write it with `?sslmode=verify-full&sslrootcert=/FILE.pem`, where the file holds the certificate of the authority that vouches for the server; a Unix socket or 127.0.0.1 may do without"
    )]
    Unproven {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A newer program wrote this store.
    #[error(
        "the store in {place} was written by a newer program, {needed} (format {found}); this is ecluse {} (format {known}): use {needed}",
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The data directory, or the server.
        place: String,
        /// The version that wrote it.
        needed: String,
        /// Its format.
        found: i64,
        /// The newest format this program knows.
        known: i64,
    },
    /// Another gateway serves from the same data directory.
    #[error("another gateway{holder} already serves from {}: stop it first, or give this one another data-dir", data_dir.display())]
    AlreadyServed {
        /// The data directory.
        data_dir: PathBuf,
        /// ` (process 123)`, where known.
        holder: String,
    },
    /// The data directory is somebody else's.
    #[error(
        "{} belongs to the user of number {owner}, and this runs as number {runs_as}: files made here would be out of the gateway's reach; run it as that user, for example: sudo -u '#{owner}' ecluse …",
        data_dir.display()
    )]
    NotOwner {
        /// The data directory.
        data_dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who runs this.
        runs_as: u32,
    },
    /// A file of the data directory cannot be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A key or a sealed value is unusable.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Documents that an earlier program accepted, and this one does not.
    #[error(
        "the documents in force are not understood by this program; apply corrected ones with: ecluse apply DIR\n{problems}"
    )]
    Documents {
        /// What is wrong with them, by file and line.
        problems: String,
    },
    /// An intervention's next value does not follow the latest one.
    #[error("intervention #{number} was not changed: its new value does not follow the latest one")]
    Revision {
        /// Its number.
        number: u64,
    },
    /// A session was to begin under an intervention that is over, or is not the one on record.
    #[error("no session begins under intervention #{number}: it is over, or not the one on record")]
    NotOpen {
        /// Its number.
        number: u64,
    },
    /// A sealed secret is not the one of which the log tells last.
    #[error(
        "the {secret} in the store is not the one that entry {seq} tells of, and opens nothing; set it anew, and find out who changed the store with: ecluse journal verify"
    )]
    NotOnRecord {
        /// Which secret.
        secret: String,
        /// The entry.
        seq: u64,
    },
    /// Nothing tells whether a sealed secret is the right one.
    #[error(
        "the words of entry {seq}, which tells of the {secret} or may tell of it, cannot be read, and nothing is opened with it meanwhile; set it anew, and find out what happened with: ecluse journal verify"
    )]
    NotReadable {
        /// Which secret.
        secret: String,
        /// The entry.
        seq: u64,
    },
    /// The journal lacks what it must have.
    #[error(
        "the journal in the store is damaged: {0}; nothing more is written to it; find out what happened with: ecluse journal verify"
    )]
    Journal(#[from] ProofError),
    /// The journal is not the one that was signed.
    #[error(
        "the journal was rewritten or rolled back: it does not begin with the {size} entries that were signed; keep the store as it is, it is evidence, and run: ecluse journal verify"
    )]
    Rewritten {
        /// How many entries were signed.
        size: u64,
    },
    /// An entry stands where none was written.
    #[error(
        "an entry stands at place {seq} of the journal, where none was written: it was put in by hand, and nothing can be put on record while it is there; keep the store as it is, it is evidence, and run: ecluse journal verify"
    )]
    Planted {
        /// Its place.
        seq: u64,
    },
    /// A checkpoint could not be signed.
    #[error("the checkpoint was not signed: {0}")]
    NotSigned(String),
    /// A cosigned checkpoint was not taken.
    #[error("the cosigned checkpoint was not taken: {0}")]
    NotCosigned(String),
    /// A column that must hold a value holds none.
    #[error(
        "the store holds no value in column {column}, where there must be one; restore it from a backup"
    )]
    Null {
        /// The column.
        column: &'static str,
    },
    /// A column holds what cannot be read.
    #[error(
        "the store holds in column {column} what this program cannot read ({problem}); restore it from a backup"
    )]
    Malformed {
        /// The column.
        column: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl StoreError {
    pub(super) fn malformed(column: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Malformed {
            column,
            problem: problem.to_string(),
        }
    }
}
