//! Search: how long an auditor waits for a moment in many recorded hours (R10).
//!
//! The hours are recorded through the gateway, of a client that wants what screens showed to be found and lets the gateway read it. An
//! hour passes in about a second; what it shows and what is typed in it is what counts. Beside it the way that anybody has who holds
//! a key to the same recordings: `age`, `zstd` and `grep`.

mod corpus;
mod dice;
mod hours;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, recording};

use self::corpus::{
    ADDRESS, CHANGE, COMMAND, EVERYWHERE, NOWHERE, PAIR, SOME, SURNAME, person, some,
};
use crate::report::{median, millis};
use crate::{Bench, CIPHER, EXCHANGE, limits};

/// Recordings that are read with stock tools; of more, so many are, and the time is scaled.
const SAMPLE: usize = 50;
/// A question that takes longer is asked once only. **Unit**: seconds.
const SLOW: f64 = 10.0;
/// Hits that the gateway shows at once.
const SHOWN: usize = 20;
/// Where an hour's lines lie.
const LINES: &str = "text.jsonl.zst.age";

/// What is asked, and how often it has to be found.
struct Question {
    what: String,
    words: String,
    hits: usize,
    times: Vec<f64>,
}

impl Bench<'_> {
    pub(crate) fn search(&mut self) -> Result<()> {
        let hours = self.arguments.hours;
        let site = Site::start_with(|plan| {
            plan.documents.settings.remember = "4h".to_owned();
            plan.documents.settings.limits = limits();
            plan.documents.client_tail = "\n[search]\nscreen-text = true\n".to_owned();
            Ok(())
        })?;
        let recorded = hours::record(&site, hours)?;
        self.note(
            &format!(
                "{hours} hours recorded, each {} commands typed that show 2.0 MB, passing in {:.1} s; sealed and indexed behind them",
                corpus::COMMANDS,
                recorded.passing
            ),
            "",
            &format!("{:.1} s after the last", recorded.sealing),
            "",
            "",
            None,
        );
        self.note_sizes(&site, hours)?;

        let mut questions = questions(hours);
        let mut logins = Vec::new();
        // The first proves a code; the others find it remembered.
        ask(&site, "help")?;
        for _ in 0..self.arguments.rounds {
            logins.push(ask(&site, "help")?.0);
            for question in &mut questions {
                // What takes so long is known well enough.
                if question.times.last().is_some_and(|took| *took > SLOW) {
                    continue;
                }
                let (took, answer) = ask(&site, &format!("search {}", question.words))?;
                let hits = answer
                    .lines()
                    .filter(|line| line.trim_start().starts_with("replay "))
                    .count();
                ensure!(
                    hits == question.hits,
                    "search {} found {hits} and not {}:\n{answer}",
                    question.words,
                    question.hits
                );
                question.times.push(took);
            }
        }
        self.note(
            "a login alone, for `help`",
            "",
            &millis(median(&logins)),
            "",
            "",
            None,
        );
        for question in &questions {
            let took = median(&question.times);
            self.note(
                &format!(
                    "search over {hours} hours, login included: {}",
                    question.what
                ),
                "",
                &millis(took),
                &format!("{} shown", question.hits),
                "< 1 s",
                Some(took < 1.0),
            );
        }
        let slowest = questions
            .iter()
            .map(|question| median(&question.times))
            .fold(0.0, f64::max);
        self.note_stock_tools(&site, slowest)
    }

    fn note_sizes(&mut self, site: &Site, hours: usize) -> Result<()> {
        // Of the client alone: what is kept aside for a full disk lies beside it.
        let recordings = site.layout().recordings().join("hopital");
        let all = size(&recording::files(&recordings, &|_| true)?)?;
        let lines = size(&recording::files(&recordings, &|path| {
            path.ends_with(LINES)
        })?)?;
        let data = site.layout().data();
        let store = size(&recording::files(&data, &|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("ecluse.db"))
        })?)?;
        let hours = hours as f64;
        self.note(
            "  on disk: a recorded hour, the lines that are searched among it; the store, for each",
            "",
            &format!(
                "{:.0} kB, {:.0} kB; {:.0} kB",
                all / hours / 1e3,
                lines / hours / 1e3,
                store / hours / 1e3
            ),
            &format!("{:.0} MB; {:.0} MB in all", all / 1e6, store / 1e6),
            "",
            None,
        );
        Ok(())
    }

    /// The same lines, decrypted and read with what Debian has, as many at once as there are cores.
    fn note_stock_tools(&mut self, site: &Site, slowest: f64) -> Result<()> {
        // Two short sessions are not of the hours: those that proved a code.
        let all = recording::sealed(&site.layout().recordings(), "text.jsonl")?;
        let all: Vec<PathBuf> = all.into_iter().skip(2).collect();
        let sample = SAMPLE.min(all.len());
        let some: Vec<&Path> = (0..sample)
            .filter_map(|turn| all.get(turn * all.len() / sample))
            .map(PathBuf::as_path)
            .collect();
        let mut times = Vec::new();
        for _ in 0..self.arguments.rounds {
            times.push(grep(&site.layout().recording_key(), &some, EVERYWHERE)?);
        }
        let took = median(&times) * all.len() as f64 / sample as f64;
        let how = if sample < all.len() {
            format!("{sample} of {} hours, scaled", all.len())
        } else {
            format!("all {sample} hours")
        };
        self.note(
            &format!("  the same lines with age, zstd and grep, on all cores ({how}), beside the slowest of these"),
            &format!("{took:.1} s"),
            &format!("{slowest:.1} s"),
            &format!("{:.2} ×", took / slowest),
            "",
            None,
        );
        Ok(())
    }
}

fn questions(hours: usize) -> Vec<Question> {
    let [one, other] = PAIR;
    let brunos = some(hours)
        .filter(|number| person(*number) == "bruno")
        .count();
    let plain = |words: &str| words.to_owned();
    [
        ("a surname, in one hour", plain(SURNAME), 1),
        ("the number of a change, in one hour", plain(CHANGE), 1),
        ("an address among many, in one hour", plain(ADDRESS), 1),
        (
            "a word that is in 20 hours",
            plain(SOME),
            some(hours).count(),
        ),
        ("a word that is everywhere", plain(EVERYWHERE), SHOWN),
        ("a word that is nowhere", plain(NOWHERE), 0),
        (
            "a command that was typed, in one hour",
            format!("\"{COMMAND}\" --in typed"),
            1,
        ),
        (
            "a rare and an everyday word together",
            format!("{SURNAME} transfert"),
            1,
        ),
        (
            "two everyday words, together in one line only",
            format!("{one} {other}"),
            1,
        ),
        (
            "a word that is in 20 hours, of one person since yesterday",
            format!("{SOME} --person bruno --since 24h"),
            brunos,
        ),
    ]
    .into_iter()
    .map(|(what, words, hits)| Question {
        what: what.to_owned(),
        words,
        hits,
        times: Vec::new(),
    })
    .collect()
}

/// How long one whole `ssh` of the auditor takes, from its start to its end, and what it shows.
fn ask(site: &Site, command: &str) -> Result<(f64, String)> {
    let ssh = site
        .ssh("aurele")
        .option(CIPHER)
        .option(EXCHANGE)
        .run(command);
    let mut command = ssh.command();
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let began = Instant::now();
    let answer = command.output().context("ssh cannot be run")?;
    let took = began.elapsed().as_secs_f64();
    ensure!(
        answer.status.success(),
        "the auditor's command ended with {}",
        answer.status
    );
    Ok((took, String::from_utf8_lossy(&answer.stdout).into_owned()))
}

/// Seconds to look for `word` in the lines of some recordings with stock tools; each has to hold it.
fn grep(key: &Path, files: &[&Path], word: &str) -> Result<f64> {
    // The recording's own key is decrypted into a pipe, as the recordings' README shows with a file.
    const ONE: &str = r#"age -d -i <(age -d -i "$0" "${2%/*}/recording.key.age") "$2" | zstd -dcq | grep -aiFc -- "$1""#;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let began = Instant::now();
    let mut xargs = Command::new("xargs")
        .args(["-0", "-n", "1", "-P", &cores.to_string()])
        .args(["bash", "-o", "pipefail", "-c", ONE])
        .arg(key)
        .arg(word)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("xargs cannot be run")?;
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let mut stdin = xargs.stdin.take().context("no stdin")?;
    std::io::Write::write_all(&mut stdin, names.join("\0").as_bytes())?;
    drop(stdin);
    let counts = xargs.wait_with_output()?;
    let took = began.elapsed().as_secs_f64();
    ensure!(
        counts.status.success(),
        "age, zstd or grep did not read every recording: {}",
        counts.status
    );
    Ok(took)
}

/// Bytes in files.
fn size(files: &[PathBuf]) -> Result<f64> {
    let mut total = 0;
    for file in files {
        total += fs::metadata(file)?.len();
    }
    Ok(total as f64)
}
