//! A hold, and what lets it go: how much still passes, and how long until something passes again (X3).

use std::io::Read;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, Ssh, wait};

use crate::report::{millis, percentile};
use crate::{Bench, CIPHER, EXCHANGE, limits};

/// Acts of each kind.
const ROUNDS: usize = 20;
/// What passes before a budget holds.
const BUDGET: u64 = 1 << 20;
/// The largest slice of a channel, as the README states it. **Unit**: bytes.
const SLICE: u64 = 8 << 20;
/// From the operator's command until something passes again. **Unit**: seconds.
const RESUMES: f64 = 0.05;
/// Nothing passes any more once nothing has passed for so long.
const STILL: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

impl Bench<'_> {
    /// Top-ups of a session that a budget holds, then holds by hand of one at full speed.
    pub(crate) fn held(&mut self) -> Result<()> {
        let site = of(&format!(
            "{{ session = \"{BUDGET} B\", intervention = \"512 GiB\", at-limit = \"hold\" }}"
        ))?;
        let flood = Flood::open(&through(&site))?;
        let mut times = Vec::new();
        for round in 1..=ROUNDS as u64 {
            wait::until_true("all that may pass", PATIENCE, || {
                Ok(flood.came() >= BUDGET * round)
            })?;
            ensure!(flood.came() == BUDGET * round, "more passed than may");
            let session = held(&site)?;
            let (before, began) = (flood.came(), Instant::now());
            let topping = site.lobby("odile", &["topup", &session, "1MiB"]).spawn()?;
            while flood.came() == before {
                ensure!(began.elapsed() < PATIENCE, "nothing passes");
                thread::yield_now();
            }
            times.push(began.elapsed().as_secs_f64());
            let mut topping = topping;
            topping.answer()?.success()?;
        }
        drop(flood);
        let slow = percentile(&times, 0.99);
        self.note(
            &format!("from `topup` typed to the first byte, worst of {ROUNDS}"),
            "",
            &millis(slow),
            &format!("median {}", millis(percentile(&times, 0.5))),
            "≤ 50 ms",
            Some(slow <= RESUMES),
        );

        let site = of("{ session = \"512 GiB\", intervention = \"513 GiB\" }")?;
        let flood = Flood::open(&through(&site))?;
        let session = site.live_session()?;
        let mut most = 0;
        for _ in 0..ROUNDS {
            let before = flood.came();
            wait::until_true("a flood", PATIENCE, || Ok(flood.came() > before + SLICE))?;
            site.operator(&["hold", &session])?.success()?;
            let told = flood.came();
            most = most.max(flood.until_still()? - told);
            site.operator(&["resume", &session])?.success()?;
        }
        self.note(
            &format!("what still came after `hold` was answered, most of {ROUNDS}"),
            "",
            &format!("{} KiB", most >> 10),
            "",
            "≤ one slice (8 MiB)",
            Some(most <= SLICE),
        );
        Ok(())
    }
}

/// A site of its own with these budgets, where alice may work.
pub(crate) fn of(extraction: &str) -> Result<Site> {
    let site = Site::start_with(|plan| {
        let settings = &mut plan.documents.settings;
        settings.remember = "4h".to_owned();
        settings.limits = limits();
        settings.limits.push("memory = \"4 GiB\"".to_owned());
        plan.documents.extraction = extraction.to_owned();
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    // Proves a code; the connection stands from then on.
    site.operator(&["live"])?.success()?;
    Ok(site)
}

pub(crate) fn through(site: &Site) -> Ssh {
    site.ssh("alice+db01").option(CIPHER).option(EXCHANGE)
}

/// The number of the session that `live` shows as held.
fn held(site: &Site) -> Result<String> {
    wait::until("a session that is held", PATIENCE, || {
        let live = site.operator(&["live"])?.success()?.text();
        let row = live.lines().find(|line| line.contains("HELD, "));
        Ok(row.and_then(|row| row.split_whitespace().next().map(str::to_owned)))
    })
}

/// A command that sends without end, and how much of it came; ended when dropped.
pub(crate) struct Flood {
    child: Child,
    came: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Flood {
    pub(crate) fn open(ssh: &Ssh) -> Result<Self> {
        let mut command = ssh.clone().run("exec cat /dev/zero").command();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("ssh cannot be run")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (came, over) = (Arc::default(), Arc::default());
        let (counter, end) = (Arc::clone(&came), Arc::clone(&over));
        thread::spawn(move || count(stdout, &counter, &end));
        Ok(Self { child, came, over })
    }

    /// **Unit**: bytes.
    pub(crate) fn came(&self) -> u64 {
        self.came.load(SeqCst)
    }

    /// Whether it ended by itself.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }

    /// Waits until nothing comes any more; how much has.
    fn until_still(&self) -> Result<u64> {
        let (mut last, mut since) = (self.came(), Instant::now());
        wait::until("the flood to stand still", PATIENCE, || {
            let now = self.came();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            Ok((since.elapsed() >= STILL).then_some(now))
        })
    }
}

fn count(mut stdout: ChildStdout, came: &AtomicU64, over: &AtomicBool) {
    let mut piece = vec![0; 256 << 10];
    while let Ok(read @ 1..) = stdout.read(&mut piece) {
        came.fetch_add(read as u64, SeqCst);
    }
    over.store(true, SeqCst);
}

impl Drop for Flood {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
