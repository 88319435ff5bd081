//! Bulk: how much passes in a second, and what that costs the gateway.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{Ssh, recording, wait};

use crate::gauge::busy;
use crate::hands::finished;
use crate::report::median;
use crate::{Bench, CIPHER, EXCHANGE, STALL};

/// What a line of a gigabit a second carries, above TCP and SSH. **Unit**: bytes a second.
const LINE: f64 = 115e6;

/// Which way bytes go, as the technician sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Down,
    Up,
    Both,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Both => "both ways at once",
        }
    }

    /// Gigabytes that pass.
    pub(crate) fn moved(self, length: u64) -> f64 {
        let ways = if self == Self::Both { 2.0 } else { 1.0 };
        ways * length as f64 / 1e9
    }

    pub(crate) fn command(self, file: &str) -> String {
        match self {
            Self::Down => format!("cat {file}"),
            Self::Up => "cat >/dev/null".to_owned(),
            Self::Both => "cat".to_owned(),
        }
    }
}

impl Bench<'_> {
    pub(crate) fn bulk(&mut self, way: Way, kind: Kind) -> Result<()> {
        let name = name(kind);
        let (file, length) = self.file(kind)?;
        let (mut direct, mut hop, mut through) = (Vec::new(), Vec::new(), Vec::new());
        let (mut relaying, mut finishing, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
        let command = way.command(name);
        for _ in 0..self.arguments.rounds {
            let idle = busy()?;
            direct.push(transfer(&self.direct(), way, &command, &file, length)?);
            elsewhere.push(busy()? - idle);
            hop.push(transfer(
                &self.direct(),
                way,
                &self.through_a_stock_hop(&command),
                &file,
                length,
            )?);
            let before = self.site.process()?.usage()?.cpu;
            through.push(transfer(&self.through(), way, &command, &file, length)?);
            let relayed = self.site.process()?.usage()?.cpu;
            self.recordings_are_finished()?;
            let finished = self.site.process()?.usage()?.cpu;
            let moved = way.moved(length);
            relaying.push((relayed - before) / moved);
            finishing.push((finished - relayed) / moved);
        }
        let rate = |times: &[f64]| length as f64 / 1e6 / median(times);
        let ratio = median(&direct) / median(&through);
        self.note(
            &format!("{} MiB {}, {name}", self.arguments.size, way.name()),
            &format!("{:.0} MB/s", rate(&direct)),
            &format!("{:.0} MB/s", rate(&through)),
            &format!("{ratio:.2} ×"),
            "≥ 0.85 ×",
            Some(ratio >= 0.85),
        );
        self.note_bound(
            median(&direct),
            median(&elsewhere),
            median(&relaying),
            way.moved(length),
        );
        let beside = median(&hop) / median(&through);
        self.note(
            "  beside a stock hop that records nothing (ssh, then ssh again from there)",
            &format!("{:.0} MB/s", rate(&hop)),
            &format!("{:.0} MB/s", rate(&through)),
            &format!("{beside:.2} ×"),
            "",
            None,
        );
        let cost = median(&relaying);
        self.note(
            "  processor time of the gateway, recording included",
            "",
            &format!("{cost:.2} s/GB"),
            "",
            "≤ 2.3 s/GB",
            Some(cost <= 2.3),
        );
        let cost = median(&finishing);
        self.note(
            "  the same to seal the recording behind it, at low priority",
            "",
            &format!("{cost:.2} s/GB"),
            "",
            "",
            None,
        );
        Ok(())
    }

    /// A file in the target's home that is as long as a transfer, named after what it holds.
    pub(crate) fn file(&self, kind: Kind) -> Result<(PathBuf, u64)> {
        let file = self.site.layout().target_home().join(name(kind));
        let length = self.arguments.size << 20;
        if !file.exists() {
            std::io::copy(
                &mut Payload::new(kind, length, 1),
                &mut File::create(&file)?,
            )?;
        }
        Ok((file, length))
    }

    /// The ratio that would be reached if no core ever stood still: client, gateway and target share them here.
    pub(crate) fn note_bound(&mut self, took: f64, elsewhere: f64, relaying: f64, moved: f64) {
        let cores = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let least = (elsewhere + relaying * moved) / cores;
        self.note(
            "  the most that these cores allow: processor time of all programs, and of the gateway",
            &format!("{:.2} s/GB", elsewhere / moved),
            &format!("+ {relaying:.2} s/GB"),
            &format!("{:.2} ×", (took / least).min(1.0)),
            "",
            None,
        );
    }

    /// The same at the pace of a line between technician and gateway, which is what a technician far away has.
    pub(crate) fn at_line_rate(&mut self, way: Way) -> Result<()> {
        let (file, length) = self.file(Kind::Noise)?;
        let command = way.command(name(Kind::Noise));
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.rounds {
            for (ssh, times) in [(self.direct(), &mut direct), (self.through(), &mut through)] {
                times.push(paced(&ssh, way, &command, &file, length, Some(LINE))?);
            }
            self.recordings_are_finished()?;
        }
        let rate = |times: &[f64]| length as f64 / 1e6 / median(times);
        let ratio = median(&direct) / median(&through);
        self.note(
            &format!(
                "{} MiB {}, noise, on a line of 1 Gbit/s",
                self.arguments.size,
                way.name()
            ),
            &format!("{:.0} MB/s", rate(&direct)),
            &format!("{:.0} MB/s", rate(&through)),
            &format!("{ratio:.2} ×"),
            "≥ 0.85 ×",
            Some(ratio >= 0.85),
        );
        Ok(())
    }

    /// What a technician types who goes through a stock server to the target: what any machine in between costs, with the
    /// same programs, nothing recorded and nothing decided.
    fn through_a_stock_hop(&self, command: &str) -> String {
        let configuration = self.site.layout().ssh_config();
        format!(
            "ssh -F '{}' -o '{CIPHER}' -o '{EXCHANGE}' direct '{command}'",
            configuration.display()
        )
    }

    /// Waits until the last recording is in its final files, so that what follows is not disturbed, and makes room on the disk.
    pub(crate) fn recordings_are_finished(&mut self) -> Result<()> {
        let recordings = self.site.layout().recordings();
        finished(&self.site)?;
        // Only what was finished a round ago: of the newest, the gateway may still be syncing the directory.
        for file in std::mem::take(&mut self.removable) {
            fs::remove_file(&file)
                .with_context(|| format!("{} cannot be removed", file.display()))?;
        }
        self.removable = recording::files(&recordings, &|_| true)?;
        Ok(())
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Noise => "noise",
        Kind::Log => "log",
    }
}

/// Seconds that a transfer takes, from the start of the client to its end.
pub(crate) fn transfer(
    ssh: &Ssh,
    way: Way,
    command: &str,
    file: &Path,
    length: u64,
) -> Result<f64> {
    paced(ssh, way, command, file, length, None)
}

/// The same, no faster than so many bytes a second each way.
pub(crate) fn paced(
    ssh: &Ssh,
    way: Way,
    command: &str,
    file: &Path,
    length: u64,
    pace: Option<f64>,
) -> Result<f64> {
    let mut command = ssh.clone().run(command).command();
    command.stderr(Stdio::inherit());
    let mut input = None;
    match (way, pace) {
        (Way::Down, _) => command.stdin(Stdio::null()),
        // Given to the client itself where nothing holds it back.
        (Way::Up | Way::Both, None) => command.stdin(File::open(file)?),
        (Way::Up | Way::Both, Some(_)) => {
            input = Some(File::open(file)?);
            command.stdin(Stdio::piped())
        }
    };
    command.stdout(if way == Way::Up {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    let began = Instant::now();
    let mut child = command.spawn()?;
    let writing = child
        .stdin
        .take()
        .zip(input)
        .map(|(stdin, file)| thread::spawn(move || copy(file, stdin, began, pace)));
    let reading = child
        .stdout
        .take()
        .map(|stdout| thread::spawn(move || copy(stdout, std::io::sink(), began, pace)));
    let status = wait::until("the end of the transfer", STALL, || Ok(child.try_wait()?));
    if status.is_err() {
        let _ = child.kill();
    }
    let status = status?;
    let took = began.elapsed().as_secs_f64();
    ensure!(status.success(), "the transfer ended with {status}");
    for (what, copying) in [("sent", writing), ("received", reading)] {
        let Some(copying) = copying else { continue };
        let copied = copying
            .join()
            .map_err(|_| anyhow::anyhow!("a thread of the transfer panicked"))??;
        ensure!(copied == length, "{copied} of {length} bytes were {what}");
    }
    Ok(took)
}

/// Copies everything, no faster than `pace` since `began`.
fn copy(
    mut from: impl Read,
    mut to: impl Write,
    began: Instant,
    pace: Option<f64>,
) -> std::io::Result<u64> {
    let mut chunk = vec![0_u8; 1 << 20];
    let mut total = 0_u64;
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return Ok(total);
        }
        to.write_all(chunk.get(..read).unwrap_or_default())?;
        total += read as u64;
        let early = pace.map_or(0.0, |pace| total as f64 / pace) - began.elapsed().as_secs_f64();
        if early > 0.001 {
            thread::sleep(Duration::from_secs_f64(early));
        }
    }
}
