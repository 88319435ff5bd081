//! The figures and the page they are written to.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};

use crate::Bench;

/// One line of the results.
pub(crate) struct Figure {
    what: String,
    direct: String,
    through: String,
    result: String,
    goal: String,
    reached: Option<bool>,
}

impl Bench<'_> {
    pub(crate) fn note(
        &mut self,
        what: &str,
        direct: &str,
        through: &str,
        result: &str,
        goal: &str,
        reached: Option<bool>,
    ) {
        let mark = reached.map_or(
            "",
            |reached| if reached { "reached" } else { "NOT reached" },
        );
        println!("{what}: direct {direct} | through {through} | {result} | goal {goal} {mark}");
        self.figures.push(Figure {
            what: what.to_owned(),
            direct: direct.to_owned(),
            through: through.to_owned(),
            result: result.to_owned(),
            goal: goal.to_owned(),
            reached,
        });
    }

    pub(crate) fn report(self, file: Option<&Path>) -> Result<()> {
        let mut text = format!(
            "# Measured\n\nWritten by `tests/bench/run`. Client, gateway and target on one machine: {}. OpenSSH {}; both ways with \
             aes256-gcm, the gateway recording, encrypted, before it relays. Medians of {} rounds, the two ways in turn.\n\n\
             | what | without the gateway | through it | | goal | |\n|---|---|---|---|---|---|\n",
            machine(),
            openssh(),
            self.arguments.rounds
        );
        for Figure {
            what,
            direct,
            through,
            result,
            goal,
            reached,
        } in &self.figures
        {
            let mark = reached.map_or("", |reached| if reached { "yes" } else { "**no**" });
            let _ = writeln!(
                text,
                "| {what} | {direct} | {through} | {result} | {goal} | {mark} |"
            );
        }
        if let Some(file) = file {
            fs::write(file, &text)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }
}

pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

pub(crate) fn percentile(values: &[f64], part: f64) -> f64 {
    let values = sorted(values);
    let at = ((values.len() as f64 * part) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

pub(crate) fn micros(seconds: f64) -> String {
    format!("{:.0} µs", seconds * 1e6)
}

pub(crate) fn millis(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

pub(crate) fn kibibytes(bytes: u64) -> String {
    format!("{} KiB", bytes >> 10)
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches([' ', '\t', ':'])
        .to_owned();
    let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores ({model}), Linux {}", kernel.trim())
}

fn openssh() -> String {
    let output = std::process::Command::new("ssh").arg("-V").output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
        .unwrap_or_default();
    text.split([',', ' '])
        .next()
        .unwrap_or_default()
        .trim_start_matches("OpenSSH_")
        .to_owned()
}
