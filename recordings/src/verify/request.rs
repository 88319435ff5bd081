//! What a command line asks for: files with keys and checkpoints, read into [`Options`], and the answer with its exit
//! code. `ecluse-verify` and `ecluse verify` are both this.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{Options, verify};
use crate::bundle::{Consistency, ReaderError};
use crate::evidence::key::Identity;
use crate::evidence::signature::{from_openssh, parse_allowed_signers};
use crate::log::{Extension, Kept, VerifierKey};

/// Longest file of keys or checkpoint that is read.
const MAX_FILE: u64 = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// A file of the command line does not read as what it was given for.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what is accepted.
        problem: String,
    },
    /// The bundle does not read at all.
    #[error(transparent)]
    Bundle(#[from] ReaderError),
}

/// One command line.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The bundle, or the directory of a recording.
    pub path: PathBuf,
    /// Files with age identities.
    pub keys: Vec<PathBuf>,
    /// Files with public keys, as `allowed_signers` or `ssh-ed25519 …` lines.
    pub signers: Vec<PathBuf>,
    /// Files with verifier keys, as in `log-keys`.
    pub log_keys: Vec<PathBuf>,
    /// Checkpoints that were kept, alone or with the proof that joins an earlier one to it.
    pub since: Vec<PathBuf>,
    /// JSON instead of words.
    pub json: bool,
}

/// What to print, and the exit code to end with.
#[derive(Clone, Debug)]
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// [`super::Verdict::exit_code`].
    pub exit_code: u8,
}

impl Request {
    /// Reads what was named, verifies, and answers.
    ///
    /// # Errors
    /// A file does not read.
    pub fn run(&self) -> Result<Answer, RequestError> {
        let report = verify(&self.path, &self.options()?)?;
        let text = if self.json {
            let json = crate::json::to_string_pretty(&report);
            json.map_err(|error| problem(&self.path, error))? + "\n"
        } else {
            report.text()
        };
        Ok(Answer {
            text,
            exit_code: report.verdict.exit_code(),
        })
    }

    fn options(&self) -> Result<Options, RequestError> {
        let mut options = Options::default();
        for path in &self.keys {
            let found = Identity::parse_all(&read(path)?).map_err(|error| problem(path, error))?;
            options.identities.extend(found);
        }
        for path in &self.signers {
            let text = read(path)?;
            let mut found = parse_allowed_signers(&text);
            found.extend(text.lines().filter_map(from_openssh));
            if found.is_empty() {
                return Err(problem(
                    path,
                    "no Ed25519 key was found; accepted: lines of an allowed_signers file, or `ssh-ed25519 AAAA…`",
                ));
            }
            options.signers.extend(found);
        }
        for path in &self.log_keys {
            let found =
                VerifierKey::parse_all(&read(path)?).map_err(|error| problem(path, error))?;
            if found.is_empty() {
                return Err(problem(
                    path,
                    "no key was found; accepted: lines as in `log-keys`",
                ));
            }
            options.log_keys.extend(found);
        }
        for path in &self.since {
            let kept = Kept::read(&read_bytes(path)?).map_err(|error| problem(path, error))?;
            let note = match kept {
                Kept::Joined(Extension { old, proof, note }) => {
                    let new = note
                        .unverified()
                        .map_err(|error| problem(path, error))?
                        .size;
                    options.joining.push(Consistency { old, new, proof });
                    note
                }
                Kept::Checkpoint(note) => note,
            };
            options.since.push((path.display().to_string(), note));
        }
        Ok(options)
    }
}

fn read(path: &Path) -> Result<String, RequestError> {
    String::from_utf8(read_bytes(path)?).map_err(|_| problem(path, "it is no text"))
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, RequestError> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes))
        .map_err(|error| problem(path, error))?;
    Ok(bytes)
}

fn problem(path: &Path, problem: impl ToString) -> RequestError {
    RequestError::File {
        path: path.to_path_buf(),
        problem: problem.to_string(),
    }
}
