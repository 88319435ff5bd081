//! Hands: how long an operator's act takes while much is looked at and more passes (I5).

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::lobby::first_row;
use ecluse_tests::{Site, Ssh, wait};

use crate::report::{millis, percentile};
use crate::{Bench, CIPHER, EXCHANGE, limits};

/// What looks, and what passes.
const WATCHERS: usize = 20;
const SEARCHES: usize = 5;
const REPLAYS: usize = 5;
/// Channels of one connection: the target takes ten sessions on each of its own.
const CHANNELS_EACH: usize = 10;
/// Acts of each kind.
const ROUNDS: usize = 10;
/// Longest that an act may take. **Unit**: seconds.
const PROMISED: f64 = 1.0;

impl Bench<'_> {
    /// Approve, refuse, withdraw and cut, each over a connection that stands, with nothing beside them and with everything.
    pub(crate) fn hands(&mut self) -> Result<()> {
        let site = Site::start_with(|plan| {
            plan.documents.settings.remember = "4h".to_owned();
            plan.documents.settings.limits = limits();
            plan.documents.client_tail = "\n[search]\nscreen-text = true\n".to_owned();
            Ok(())
        })?;
        site.proven("alice", "db01")?;
        let technician = site.ssh("alice+db01").option(CIPHER).option(EXCHANGE);
        // What is replayed and searched: a terminal in which 64 MiB were shown.
        let long = technician
            .clone()
            .flag("-tt")
            .run("seq -f 'line %.0f of a log that was shown in a terminal' 1 1300000");
        drop(busy(&long)?.wait());
        finished(&site)?;
        let recording = first_row(&site.auditor(&["recordings"])?.success()?.text())?;

        let alone = acts(&site, &technician)?;
        let mut held = Busy::default();
        let channels = self.arguments.channels;
        for connection in 0..channels.div_ceil(CHANNELS_EACH) {
            let shared = technician.clone().shared(&format!("flood-{connection}"));
            shared.clone().run("true").answer()?.success()?;
            for _ in 0..CHANNELS_EACH.min(channels - connection * CHANNELS_EACH) {
                held.0
                    .push(busy(&shared.clone().run("exec cat /dev/zero"))?);
            }
        }
        let flood = technician
            .clone()
            .flag("-tt")
            .run("exec yes 'a flood that is watched'");
        held.0.push(busy(&flood)?);
        let watched = wait::until("the flood", Duration::from_secs(60), || {
            let live = site.operator(&["live"])?.success()?.text();
            let row = live.lines().find(|line| line.contains("exec yes"));
            Ok(row
                .and_then(|row| row.split_whitespace().next())
                .map(str::to_owned))
        })?;
        let operator = site.ssh("odile").shared("odile").flag("-tt");
        let auditor = site.ssh("aurele").shared("aurele");
        for _ in 0..WATCHERS {
            held.0
                .push(busy(&operator.clone().run(format!("watch {watched}")))?);
        }
        for _ in 0..REPLAYS {
            let replay = format!("replay {recording} --speed 100");
            held.0.push(busy(&auditor.clone().flag("-tt").run(replay))?);
        }
        // Each asks again and again.
        for _ in 0..SEARCHES {
            held.0
                .push(again(&auditor.clone().run("search shown terminal --all"))?);
        }
        let beside = acts(&site, &technician)?;
        ensure!(
            held.all_run()?,
            "something that was to go on beside the acts ended"
        );
        drop(held);
        for ((what, alone), (_, beside)) in alone.iter().zip(&beside) {
            let worst = percentile(beside, 1.0);
            self.note(
                &format!(
                    "{what}, worst of {ROUNDS}: alone → beside {WATCHERS} watchers, {SEARCHES} searches, {REPLAYS} replays, {channels} saturated channels"
                ),
                "",
                &format!("{} → {}", millis(percentile(alone, 1.0)), millis(worst)),
                &format!("median {}", millis(percentile(beside, 0.5))),
                "≤ 1 s",
                Some(worst <= PROMISED),
            );
        }
        Ok(())
    }
}

/// Waits until everything that was recorded is sealed.
pub(crate) fn finished(site: &Site) -> Result<()> {
    wait::until_true("sealed recordings", Duration::from_secs(300), || {
        let journals = ecluse_tests::recording::files(&site.layout().recordings(), &|path| {
            path.ends_with("live.journal")
        })?;
        Ok(journals.is_empty())
    })
}

/// The times of each act.
fn acts(site: &Site, technician: &Ssh) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let mut times = vec![
        ("live", Vec::new()),
        ("approve", Vec::new()),
        ("withdraw", Vec::new()),
        ("refuse", Vec::new()),
        ("cut", Vec::new()),
    ];
    // The first proves a code, and the connection stands from then on.
    site.operator(&["live"])?.success()?;
    for _ in 0..ROUNDS {
        let first = site.request("bruno", "web01")?.to_string();
        let second = site.request("bruno", "db01")?.to_string();
        let mut victim = busy(&technician.clone().run("exec sleep 1000"))?;
        let session = wait::until("the session to cut", Duration::from_secs(60), || {
            let live = site.operator(&["live"])?.success()?.text();
            let row = live.lines().find(|line| line.contains("exec sleep"));
            Ok(row
                .and_then(|row| row.split_whitespace().next())
                .map(str::to_owned))
        })?;
        let words: [&[&str]; 5] = [
            &["live"],
            &["approve", &first],
            &["withdraw", &first, "--reason", "measured"],
            &["refuse", &second, "--reason", "measured"],
            &["cut", &session],
        ];
        for (words, (_, times)) in words.iter().zip(&mut times) {
            let began = Instant::now();
            site.operator(words)?.success()?;
            times.push(began.elapsed().as_secs_f64());
        }
        victim.wait()?;
    }
    Ok(times)
}

/// Clients that run beside what is measured; ended when dropped.
#[derive(Default)]
struct Busy(Vec<Child>);

impl Busy {
    fn all_run(&mut self) -> Result<bool> {
        for child in &mut self.0 {
            if child.try_wait()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A client whose output goes nowhere; its input stays open.
fn busy(ssh: &Ssh) -> Result<Child> {
    start(ssh.command())
}

/// The same client again and again.
fn again(ssh: &Ssh) -> Result<Child> {
    let mut shell = Command::new("sh");
    // Ends with its own client: a shell that is killed leaves one that runs for a moment.
    shell.args(["-c", "while \"$@\"; do :; done", "sh"]);
    let one = ssh.command();
    shell.arg(one.get_program()).args(one.get_args());
    for (name, value) in one.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    start(shell)
}

fn start(mut command: Command) -> Result<Child> {
    command
        .stdin(Stdio::piped())
        .stdout(File::create("/dev/null")?)
        .stderr(Stdio::null())
        .spawn()
        .context("ssh cannot be run")
}
