//! `ecluse verify`: whether a bundle or a recording is what it was when it was sealed. Needs no settings and no store.

use crate::faces::commands::out::Out;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ecluse_recordings::verify::Request;

/// Checks a bundle or a recording, on any machine.
///
/// Exit codes: 0 intact, 1 failed to run, 2 usage, 3 cut short by a crash, 4 altered, 5 missing, 6 reordered, 7 not in
/// the log, 8 older than the checkpoint given (which accuses nobody: export again to compare).
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// An age key: everything is also decrypted and read to its end.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// The keys you trust to sign recordings (allowed_signers, or ssh-ed25519 lines).
    #[arg(long, value_name = "FILE")]
    signers: Vec<PathBuf>,
    /// The keys you trust to sign and countersign checkpoints (as in log-keys).
    #[arg(long = "log-key", value_name = "FILE")]
    log_keys: Vec<PathBuf>,
    /// A checkpoint you kept: the journal must be the same one, grown. One that is newer than the bundle needs the proof
    /// that joins them, as `journal proof --from N` prints it together with one.
    #[arg(long, value_name = "CHECKPOINT")]
    since: Vec<PathBuf>,
    /// The answer as JSON.
    #[arg(long)]
    json: bool,
    /// The bundle (packed or not), or the directory of one sealed recording.
    #[arg(value_name = "BUNDLE|DIR")]
    path: PathBuf,
}

impl Verify {
    /// Verifies and prints the answer.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self {
            keys,
            signers,
            log_keys,
            since,
            json,
            path,
        } = self;
        let request = Request {
            path,
            keys,
            signers,
            log_keys,
            since,
            json,
        };
        let answer = request.run()?;
        // A reader that went away (`| head`) is no failure of the answer.
        let _ = Out.write_all(answer.text.as_bytes());
        Ok(ExitCode::from(answer.exit_code))
    }
}
