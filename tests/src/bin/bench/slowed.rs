//! A rate: how near to it many channels come together, how fair, and what a key costs beside them (X3).

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ecluse_tests::wait;

use crate::Bench;
use crate::held::{Flood, of, through};
use crate::report::{millis, percentile};
use crate::typing::Typist;

/// What is written as the rate of a session. **Unit**: bytes a second.
const RATE: f64 = 1_048_576.0;
/// What its channels may have sent before they are measured.
const SETTLED: Duration = Duration::from_secs(5);
/// How long they are.
const MEASURED: Duration = Duration::from_secs(20);
/// How near they come to the rate.
const WITHIN: f64 = 0.05;
/// What a key takes at most, p99. **Unit**: seconds.
const ECHO: f64 = 0.02;
const STROKES: usize = 500;

impl Bench<'_> {
    /// Saturated channels of one session at 1 MiB/s, all together; then keys in a shell of that session.
    pub(crate) fn slowed(&mut self) -> Result<()> {
        let site = of("{ session = \"512 GiB\", intervention = \"513 GiB\", rate = \"1 MiB/s\" }")?;
        let shared = through(&site).shared("slowed");
        shared.clone().run("true").answer()?.success()?;
        let mut typist = Typist::start(&shared)?;
        let alone = typist.strokes(STROKES)?;
        let count = self.arguments.channels;
        let mut floods = Vec::new();
        for _ in 0..count {
            floods.push(Flood::open(&shared)?);
        }
        wait::until_true("all channels", Duration::from_secs(300), || {
            Ok(floods.iter().all(|flood| flood.came() > 0))
        })?;
        thread::sleep(SETTLED);
        let (began, before) = (Instant::now(), came(&floods));
        thread::sleep(MEASURED);
        let (after, seconds) = (came(&floods), began.elapsed().as_secs_f64());
        let each: Vec<f64> = before
            .iter()
            .zip(&after)
            .map(|(before, after)| (after - before) as f64)
            .collect();
        let rate = each.iter().sum::<f64>() / seconds;
        let beside = typist.strokes(STROKES)?;
        ensure!(
            floods.iter().all(|flood| !flood.is_over()),
            "a channel ended"
        );
        drop(floods);
        let off = (rate / RATE - 1.0).abs();
        self.note(
            &format!("{count} saturated channels of a session at 1 MiB/s, over {MEASURED:?}"),
            "",
            &format!("{:.3} MiB/s", rate / RATE),
            &format!(
                "{:.1} % off; a channel had {:.0} – {:.0} KiB",
                off * 100.0,
                percentile(&each, 0.0) / 1024.0,
                percentile(&each, 1.0) / 1024.0
            ),
            "within 5 %",
            Some(off <= WITHIN),
        );
        let worst = percentile(&beside, 0.99);
        self.note(
            &format!("keystroke p99 in a shell of that session, alone → beside {count} of them"),
            "",
            &format!("{} → {}", millis(percentile(&alone, 0.99)), millis(worst)),
            &format!("median {}", millis(percentile(&beside, 0.5))),
            "< 20 ms",
            Some(worst < ECHO),
        );
        Ok(())
    }
}

fn came(floods: &[Flood]) -> Vec<u64> {
    floods.iter().map(Flood::came).collect()
}
