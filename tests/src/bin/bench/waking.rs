//! Waking: what sessions that nobody works in cost while much is committed that does not concern them.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::process::Usage;
use ecluse_tests::{Site, Ssh};

use crate::{Bench, CIPHER, EXCHANGE, limits};

/// Commits a second.
const RATE: usize = 200;
/// Auditors' commands that are under way at once: each is refused an operator's act, which is one entry of the log.
const HANDS: usize = 16;
/// How long the processor time is measured.
const MEASURED: Duration = Duration::from_secs(20);
/// Sessions opened at once.
const BATCH: usize = 8;
/// What all the sessions together may add. **Unit**: cores.
const PROMISED: f64 = 0.1;

impl Bench<'_> {
    /// The same commits without sessions and beside many that they do not concern.
    pub(crate) fn waking(&mut self) -> Result<()> {
        let mut site = Site::start_with(|plan| {
            plan.documents.settings.remember = "4h".to_owned();
            plan.documents.settings.limits = limits();
            plan.documents
                .settings
                .limits
                .push("memory = \"4 GiB\"".to_owned());
            Ok(())
        })?;
        site.proven("alice", "db01")?;
        let gateway = site.process()?.id();
        // The first proves a code; the connection stands from then on.
        commit(&site)?;
        let (without, rate_without) = busy_with_commits(&site, gateway)?;
        let technician = site.ssh("alice+db01").option(CIPHER).option(EXCHANGE);
        let count = self.arguments.live;
        let sessions = Sessions::open(&technician, count, "exec cat")?;
        let (with, rate_with) = busy_with_commits(&site, gateway)?;
        drop(sessions);
        let added = with - without;
        self.note(
            &format!(
                "{count} live sessions beside commits that do not concern them, {rate_without:.0} → {rate_with:.0} a second"
            ),
            "",
            &format!("{without:.3} → {with:.3} cores"),
            &format!("+ {added:.3} cores"),
            "≤ + 0.1 cores",
            Some(added <= PROMISED),
        );
        Ok(())
    }
}

/// Processor time of the gateway while commits are made, in cores, and how many a second there were.
fn busy_with_commits(site: &Site, gateway: u32) -> Result<(f64, f64)> {
    let (over, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let pause = Duration::from_secs(1) * u32::try_from(HANDS)? / u32::try_from(RATE)?;
    thread::scope(|scope| {
        let hands: Vec<_> = (0..HANDS)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut due = Instant::now();
                    while !over.load(Ordering::Relaxed) {
                        commit(site)?;
                        made.fetch_add(1, Ordering::Relaxed);
                        due += pause;
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                    }
                    Ok(())
                })
            })
            .collect();
        // They come into step first.
        thread::sleep(Duration::from_secs(2));
        let (began, before) = (Instant::now(), Usage::of(gateway)?.cpu);
        let already = made.load(Ordering::Relaxed);
        thread::sleep(MEASURED);
        let seconds = began.elapsed().as_secs_f64();
        let cores = (Usage::of(gateway)?.cpu - before) / seconds;
        let commits = made.load(Ordering::Relaxed) - already;
        over.store(true, Ordering::Relaxed);
        for hand in hands {
            let done = hand
                .join()
                .map_err(|_| anyhow::anyhow!("a hand panicked"))?;
            done?;
        }
        Ok((cores, commits as f64 / seconds))
    })
}

/// One commit: an auditor is refused what only operators may. It reads nothing of the sessions, unlike a search.
fn commit(site: &Site) -> Result<()> {
    let answer = site.auditor(&["approve", "1"])?;
    ensure!(
        answer.status == Some(1),
        "an auditor was not refused an approval: {answer:?}"
    );
    Ok(())
}

/// Sessions in which nobody does anything; ended when dropped.
#[derive(Default)]
pub(crate) struct Sessions(Vec<Child>);

impl Sessions {
    /// So many, each of which runs this on the target.
    pub(crate) fn open(technician: &Ssh, count: usize, runs: &str) -> Result<Self> {
        let mut sessions = Self::default();
        while sessions.0.len() < count {
            let first = sessions.0.len();
            for _ in 0..BATCH.min(count - first) {
                let mut command = technician.clone().run(format!("echo in; {runs}")).command();
                let child = command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .context("ssh cannot be run")?;
                sessions.0.push(child);
            }
            for child in sessions.0.iter_mut().skip(first) {
                let mut said = [0_u8; 3];
                let stdout = child.stdout.as_mut().context("no stdout")?;
                std::io::Read::read_exact(stdout, &mut said).context("a session did not begin")?;
            }
        }
        Ok(sessions)
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
