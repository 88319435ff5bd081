//! Files over SFTP: one large file and many small ones, by OpenSSH's own client, which keeps 64 requests in flight.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::process::Usage;
use ecluse_tests::{Site, Ssh, client, peers};

use crate::gauge::busy;
use crate::hands::finished;
use crate::report::median;
use crate::{Bench, CIPHER, EXCHANGE, STALL, limits};

/// How large a small file is.
const SMALL: u64 = 4 << 10;
/// How long what is said is on its way, each way: a line with 5 ms there and back. **Unit**: seconds.
const LATE: &str = "0.0025";

/// What is measured, and what is promised of it.
struct Part {
    what: String,
    /// What `sftp` is told; `@` is the target's folder, `~` a folder of the technician's.
    batch: &'static str,
    /// What passes. **Unit**: bytes.
    length: u64,
    promised: f64,
    /// Whether the line has some way.
    late: bool,
}

impl Bench<'_> {
    /// Files down and up, through the gateway and without it, in turn.
    pub(crate) fn files(&mut self) -> Result<()> {
        let (large, small) = (self.arguments.size << 20, self.arguments.files);
        let folder = tempfile::tempdir()?;
        let there = fs::canonicalize(folder.path())?;
        let mut site = Site::start_with(|plan| {
            plan.documents.settings.remember = "4h".to_owned();
            plan.documents.settings.limits = limits();
            plan.documents.extraction = super::metering::unlimited()?;
            let flow = plan.documents.flow("dba")?;
            for right in ["read", "write", "list", "mkdir"] {
                flow.allow
                    .push(format!("sftp-{right}: {}/**", there.display()));
            }
            Ok(())
        })?;
        site.proven("alice", "db01")?;
        let here = tempfile::tempdir()?;
        ground(&there, large, small)?;
        ground(here.path(), large, small)?;
        let many = small * SMALL;
        for part in [
            Part {
                what: format!("sftp: get of {} MiB", self.arguments.size),
                batch: "get @/large ~/come",
                length: large,
                promised: 0.85,
                late: false,
            },
            Part {
                what: format!("sftp: put of {} MiB", self.arguments.size),
                batch: "put ~/large @/sent",
                length: large,
                promised: 0.85,
                late: false,
            },
            Part {
                what: format!("sftp: get of {small} files of 4 KiB"),
                batch: "get -r @/many ~/came",
                length: many,
                promised: 0.4,
                late: false,
            },
            Part {
                what: format!("sftp: put of {small} files of 4 KiB"),
                batch: "put -r ~/many @/went",
                length: many,
                promised: 0.4,
                late: false,
            },
            Part {
                what: format!("sftp: get of {small} files of 4 KiB, on a line with 5 ms"),
                batch: "get -r @/many ~/came",
                length: many,
                promised: 0.85,
                late: true,
            },
        ] {
            self.part(&mut site, &there, here.path(), &part)?;
        }
        Ok(())
    }

    fn part(&mut self, site: &mut Site, there: &Path, here: &Path, part: &Part) -> Result<()> {
        let ports = site.plan().ports;
        let ways = [
            (site.direct(), ports.target),
            (site.ssh("alice+db01"), ports.door),
        ];
        let (mut times, mut costs) = ([Vec::new(), Vec::new()], Vec::new());
        let mut elsewhere = Vec::new();
        let moved = part.length as f64 / 1e9;
        for _ in 0..self.arguments.rounds {
            for ((ssh, port), times) in ways.iter().zip(&mut times) {
                let gateway = site.process()?.id();
                let (before, idle) = (Usage::of(gateway)?.cpu, busy()?);
                times.push(batch(ssh, *port, there, here, part)?);
                let cost = Usage::of(gateway)?.cpu - before;
                if *port == ports.door {
                    costs.push(cost / moved);
                } else {
                    elsewhere.push(busy()? - idle);
                }
                finished(site)?;
                for gone in ["came", "come"].map(|name| here.join(name)) {
                    remove(&gone)?;
                }
                for gone in ["sent", "went"].map(|name| there.join(name)) {
                    remove(&gone)?;
                }
            }
        }
        let [direct, through] = times.each_ref().map(|times| median(times));
        let rate = |time: f64| part.length as f64 / 1e6 / time;
        let ratio = direct / through;
        self.note(
            &part.what,
            &format!("{:.1} MB/s", rate(direct)),
            &format!("{:.1} MB/s", rate(through)),
            &format!("{ratio:.2} ×"),
            &format!("≥ {:.2} ×", part.promised),
            Some(ratio >= part.promised),
        );
        if !part.late {
            self.note_bound(direct, median(&elsewhere), median(&costs), moved);
        }
        self.note(
            "  processor time of the gateway, recording included",
            "",
            &format!("{:.2} s/GB", median(&costs)),
            "",
            "",
            None,
        );
        Ok(())
    }
}

/// A large file and a folder of small ones.
fn ground(folder: &Path, large: u64, small: u64) -> Result<()> {
    let many = folder.join("many");
    fs::create_dir_all(&many)?;
    let mut file = File::create(folder.join("large"))?;
    std::io::copy(&mut Payload::new(Kind::Noise, large, 1), &mut file)?;
    for number in 0..small {
        let bytes = Payload::new(Kind::Noise, SMALL, number).bytes();
        fs::write(many.join(number.to_string()), bytes)?;
    }
    Ok(())
}

/// How long a batch takes, the log-on included. **Unit**: seconds.
fn batch(ssh: &Ssh, port: u16, there: &Path, here: &Path, part: &Part) -> Result<f64> {
    let at: PathBuf = here.join("batch");
    let text = part
        .batch
        .replace('@', &there.display().to_string())
        .replace('~', &here.display().to_string());
    fs::write(&at, text)?;
    let ssh = ssh.clone().option(CIPHER).option(EXCHANGE);
    let mut arguments = ssh.arguments();
    // Neither `ssh` itself nor where it goes.
    arguments.remove(0);
    let place = arguments.pop().context("no destination")?;
    let mut sftp = Command::new("sftp");
    sftp.args(arguments)
        .envs(ssh.variables())
        .arg("-b")
        .arg(&at);
    if part.late {
        let line = format!(
            "ProxyCommand=python3 '{}' 127.0.0.1 {port} {LATE}",
            peers::script("late").display()
        );
        sftp.arg("-o").arg(line);
    }
    sftp.arg(place);
    let began = Instant::now();
    client::run(&mut sftp, b"", STALL)?.success()?;
    Ok(began.elapsed().as_secs_f64())
}

fn remove(path: &Path) -> Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)?;
    } else if path.exists() {
        fs::remove_file(path)?;
    }
    Ok(())
}
