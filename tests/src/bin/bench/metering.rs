//! Metering: what it costs that every byte is paid for out of budgets, beside a matrix that has no limit.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use ecluse_tests::payload::Kind;
use ecluse_tests::process::Usage;

use crate::Bench;
use crate::bulk::{Way, transfer};
use crate::hands::finished;
use crate::held::{of, through};
use crate::report::median;
use crate::waking::Sessions;

/// Far more than is measured, at every level: each slice asks every account.
const BOUNDED: &str = "{ session = \"512 GiB\", intervention = \"513 GiB\", technician-day = \"514 GiB\", day = \"515 GiB\", channel = \"511 GiB\" }";
/// What is kept of the speed, at least.
const PROMISED: f64 = 0.97;
/// What accounts may add. **Unit**: cores.
const ACCOUNTING: f64 = 0.1;
/// How long that is measured.
const MEASURED: Duration = Duration::from_secs(20);
/// A KiB each second, by one process: it starts none.
const SENDS: &str = "exec bash -c 'while ! read -rt 1; do printf %1024s; done'";

impl Bench<'_> {
    /// The same transfer down, with budgets at every level and without a limit, in turn.
    pub(crate) fn metering(&mut self) -> Result<()> {
        let unlimited = unlimited()?;
        let (file, length) = self.file(Kind::Noise)?;
        let mut sites = Vec::new();
        for extraction in [unlimited.as_str(), BOUNDED] {
            let site = of(extraction)?;
            sites.push((site, Vec::new()));
        }
        let command = Way::Down.command(&file.display().to_string());
        let (mut ratios, mut costs) = (Vec::new(), [Vec::new(), Vec::new()]);
        for round in 0..self.arguments.rounds {
            let mut took = [0.0; 2];
            // Whichever is first finds the machine as the other left it.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                let Some((site, times)) = sites.get_mut(which) else {
                    continue;
                };
                let before = site.process()?.usage()?.cpu;
                let ssh = through(site);
                let time = transfer(&ssh, Way::Down, &command, &file, length)?;
                let relayed = site.process()?.usage()?.cpu;
                // What is sealed behind one transfer would be measured by the next.
                finished(site)?;
                times.push(time);
                took[which] = time;
                costs[which].push((relayed - before) / Way::Down.moved(length));
            }
            ratios.push(took[0] / took[1]);
        }
        let [(_, without), (_, with)] = sites.as_slice() else {
            return Ok(());
        };
        let rate = |times: &[f64]| length as f64 / 1e6 / median(times);
        let ratio = median(&ratios);
        self.note(
            &format!(
                "{} MiB down, metered at five levels, beside no limit; median of {} pairs",
                self.arguments.size, self.arguments.rounds
            ),
            &format!("{:.0} MB/s without a limit", rate(without)),
            &format!("{:.0} MB/s metered", rate(with)),
            &format!("{ratio:.2} ×"),
            "≥ 0.97 ×",
            Some(ratio >= PROMISED),
        );
        let [without, with] = costs.each_ref().map(|costs| median(costs));
        self.note(
            "  processor time of the gateway, recording included",
            &format!("{without:.2} s/GB"),
            &format!("{with:.2} s/GB"),
            &format!("{:.2} ×", without / with),
            "",
            None,
        );
        Ok(())
    }

    /// Many channels of which each sends something each second, with budgets at every level and without a limit: what the accounts cost.
    pub(crate) fn meters(&mut self) -> Result<()> {
        let unlimited = unlimited()?;
        let count = self.arguments.live;
        let mut cores = Vec::new();
        for extraction in [unlimited.as_str(), BOUNDED] {
            let mut site = of(extraction)?;
            let gateway = site.process()?.id();
            let sessions = Sessions::open(&through(&site), count, SENDS)?;
            // They come into step first.
            thread::sleep(Duration::from_secs(5));
            let (began, before) = (Instant::now(), Usage::of(gateway)?.cpu);
            thread::sleep(MEASURED);
            let spent = Usage::of(gateway)?.cpu - before;
            cores.push(spent / began.elapsed().as_secs_f64());
            drop(sessions);
        }
        let [without, with] = cores.as_slice() else {
            return Ok(());
        };
        let added = with - without;
        self.note(
            &format!("{count} channels that send 1 KiB a second each, metered at five levels, beside no limit"),
            &format!("{without:.3} cores without a limit"),
            &format!("{with:.3} cores metered"),
            &format!("{added:+.3} cores"),
            "≤ + 0.1 cores",
            Some(added <= ACCOUNTING),
        );
        Ok(())
    }
}

/// A matrix without a limit, which somebody answers for.
pub(crate) fn unlimited() -> Result<String> {
    let until = ecluse_tests::clock::date_in(30)?;
    Ok(format!(
        "{{ session = \"unlimited\", intervention = \"unlimited\", owner = \"Odile\", until = \"{until}\" }}"
    ))
}
