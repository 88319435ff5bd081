//! `ecluse-verify`: checks a bundle or a recording on a machine that never saw the gateway.
//!
//! Built from this crate alone, so that an auditor can read all of what answers.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use ecluse_recordings::verify::Request;
use ecluse_recordings::{neutralise, neutralise_lines};

const USAGE: &str = "\
usage: ecluse-verify [--key FILE]... [--signers FILE]... [--log-key FILE]... [--since CHECKPOINT]... [--json] BUNDLE|DIR

  --key FILE          an age key: everything is also decrypted and read to its end
  --signers FILE      the keys you trust to sign recordings (allowed_signers, or ssh-ed25519 lines)
  --log-key FILE      the keys you trust to sign and countersign checkpoints (as in log-keys)
  --since CHECKPOINT  a checkpoint you kept: the journal must be the same one, grown; one that is newer than the bundle
                      needs the proof that joins them, as `ecluse journal proof --from N` prints it together with one
  --json              the answer as JSON

exit: 0 intact, 1 failed to run, 2 usage, 3 cut short by a crash, 4 altered, 5 missing, 6 reordered, 7 not in the log,
      8 older than the checkpoint given (which accuses nobody: export again to compare)
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments
        .peek()
        .is_some_and(|first| first == "--help" || first == "-h")
    {
        print(USAGE);
        return ExitCode::SUCCESS;
    }
    let request = match parse(arguments) {
        Ok(request) => request,
        Err(problem) => {
            let said = neutralise(&problem);
            let _ = write!(std::io::stderr(), "ecluse-verify: {said}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match request.run() {
        Ok(answer) => {
            print(&answer.text);
            ExitCode::from(answer.exit_code)
        }
        Err(error) => {
            let said = neutralise_lines(error.to_string());
            let _ = writeln!(std::io::stderr(), "ecluse-verify: {said}");
            ExitCode::FAILURE
        }
    }
}

/// The request, or what is wrong with the line.
fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Request, String> {
    let mut request = Request::default();
    let mut paths = Vec::new();
    while let Some(argument) = arguments.next() {
        let into = match argument.to_str() {
            Some("--json") => {
                request.json = true;
                continue;
            }
            Some("--key") => &mut request.keys,
            Some("--signers") => &mut request.signers,
            Some("--log-key") => &mut request.log_keys,
            Some("--since") => &mut request.since,
            Some("--") => {
                paths.extend(arguments.by_ref().map(PathBuf::from));
                continue;
            }
            Some(option) if option.starts_with('-') => {
                return Err(format!("{option} is not an option"));
            }
            Some(_) | None => {
                paths.push(PathBuf::from(argument));
                continue;
            }
        };
        let value = arguments.next().map(PathBuf::from);
        let needs = || format!("{} needs a value", argument.to_string_lossy());
        into.push(value.ok_or_else(needs)?);
    }
    request.path = paths
        .pop()
        .ok_or("name a bundle, or the directory of a recording")?;
    match paths.first() {
        Some(more) => Err(format!("one at a time: {} is one too many", more.display())),
        None => Ok(request),
    }
}

/// A reader that went away (`| head`) is no failure of the answer.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
