//! What the gateway's process takes while something else happens, looked at from beside it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use ecluse_tests::process::Usage;

/// Time between two looks at a process's memory.
const STEP: Duration = Duration::from_millis(10);

/// Looks at a process's memory until it is asked for the most it saw.
pub(crate) struct Peak {
    over: Arc<AtomicBool>,
    looking: JoinHandle<u64>,
}

impl Peak {
    pub(crate) fn of(id: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let looking = thread::spawn(move || {
            let mut most = 0;
            while !told.load(Ordering::Relaxed) {
                most = most.max(Usage::of(id).map_or(0, |usage| usage.memory));
                thread::sleep(STEP);
            }
            most
        });
        Self { over, looking }
    }

    /// **Unit**: bytes.
    pub(crate) fn most(self) -> Result<u64> {
        self.over.store(true, Ordering::Relaxed);
        self.looking
            .join()
            .map_err(|_| anyhow::anyhow!("the look at the memory panicked"))
    }
}

/// Processor time of the threads of a process that run behind everything else: those that seal. **Unit**: seconds.
pub(crate) fn time_at_low_priority(id: u32) -> Result<f64> {
    let mut total = 0.0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))
        .with_context(|| format!("there is no process {id}"))?
    {
        let Ok(text) = fs::read_to_string(thread?.path().join("stat")) else {
            // It ended meanwhile.
            continue;
        };
        // Fields 14, 15 and 19 of proc(5): user and system time in ticks of 1/100 s, and the niceness.
        let (_, rest) = text.rsplit_once(')').context("a thread without name")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |field: usize| -> f64 {
            fields
                .get(field - 3)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0.0)
        };
        if number(19) > 0.0 {
            total += (number(14) + number(15)) / 100.0;
        }
    }
    Ok(total)
}

/// Processor time of the whole machine so far, on all cores. **Unit**: seconds.
pub(crate) fn busy() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat does not read")?;
    let line = text.lines().next().unwrap_or_default();
    // proc(5): user, nice, system, idle, iowait, irq, softirq, steal, in ticks of 1/100 s. What another machine took is not ours.
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let at = |place: usize| ticks.get(place).copied().unwrap_or(0.0);
    Ok((at(0) + at(1) + at(2) + at(5) + at(6)) / 100.0)
}
