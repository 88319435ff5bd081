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

/// What transfers took.
#[derive(Default)]
struct Taken {
    /// **Unit**: seconds.
    times: Vec<f64>,
    /// Processor time of the gateway. **Unit**: seconds a gigabyte.
    costs: Vec<f64>,
}

impl Bench<'_> {
    /// The same transfer down, with budgets at every level and without a limit, in turn.
    pub(crate) fn metering(&mut self) -> Result<()> {
        let unlimited = unlimited()?;
        let (file, length) = self.file(Kind::Noise)?;
        // A gateway that was started later is a little slower or faster, whatever it does: each kind has the same places.
        let metered = [false, true, true, false];
        let mut sites = Vec::new();
        for metered in metered {
            sites.push(of(if metered { BOUNDED } else { &unlimited })?);
        }
        let command = Way::Down.command(&file.display().to_string());
        let (mut without, mut with) = (Taken::default(), Taken::default());
        let mut ratios = Vec::new();
        for round in 0..self.arguments.rounds {
            let mut took = [0.0; 2];
            let places = sites.len();
            for place in 0..places {
                // Whichever is first finds the machine as the last left it.
                let place = (place + round) % places;
                let (Some(site), Some(metered)) = (sites.get_mut(place), metered.get(place)) else {
                    continue;
                };
                let before = site.process()?.usage()?.cpu;
                let ssh = through(site);
                let time = transfer(&ssh, Way::Down, &command, &file, length)?;
                let cost = site.process()?.usage()?.cpu - before;
                // What is sealed behind one transfer would be measured by the next.
                finished(site)?;
                let taken = if *metered { &mut with } else { &mut without };
                taken.times.push(time);
                taken.costs.push(cost / Way::Down.moved(length));
                if let Some(all) = took.get_mut(usize::from(*metered)) {
                    *all += time;
                }
            }
            ratios.push(took[0] / took[1]);
        }
        let rate = |times: &[f64]| length as f64 / 1e6 / median(times);
        let ratio = median(&ratios);
        self.note(
            &format!(
                "{} MiB down, metered at five levels, beside no limit; median of {} rounds of two pairs",
                self.arguments.size,
                2 * self.arguments.rounds
            ),
            &format!("{:.0} MB/s without a limit", rate(&without.times)),
            &format!("{:.0} MB/s metered", rate(&with.times)),
            &format!("{ratio:.2} ×"),
            "≥ 0.97 ×",
            Some(ratio >= PROMISED),
        );
        let [without, with] = [&without, &with].map(|taken| median(&taken.costs));
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
