//! Metering: what it costs that every byte is paid for out of budgets, beside a matrix that has no limit.

use anyhow::Result;
use ecluse_tests::Site;
use ecluse_tests::payload::Kind;

use crate::bulk::{Way, transfer};
use crate::report::median;
use crate::{Bench, CIPHER, EXCHANGE, limits};

/// Far more than is measured, at every level: each slice asks every account.
const BOUNDED: &str = "{ session = \"512 GiB\", intervention = \"513 GiB\", technician-day = \"514 GiB\", day = \"515 GiB\", channel = \"511 GiB\" }";
/// What is kept of the speed, at least.
const PROMISED: f64 = 0.97;

impl Bench<'_> {
    /// The same transfer down, with budgets at every level and without a limit, in turn.
    pub(crate) fn metering(&mut self) -> Result<()> {
        let unlimited = format!(
            "{{ session = \"unlimited\", intervention = \"unlimited\", owner = \"Odile\", until = \"{}\" }}",
            ecluse_tests::clock::date_in(30)?
        );
        let (file, length) = self.file(Kind::Noise)?;
        let mut sites = Vec::new();
        for extraction in [unlimited.as_str(), BOUNDED] {
            let site = Site::start_with(|plan| {
                plan.documents.settings.remember = "4h".to_owned();
                plan.documents.settings.limits = limits();
                plan.documents.extraction = extraction.to_owned();
                Ok(())
            })?;
            site.proven("alice", "db01")?;
            sites.push((site, Vec::new()));
        }
        let command = Way::Down.command(&file.display().to_string());
        for _ in 0..self.arguments.rounds {
            for (site, times) in &mut sites {
                let ssh = site.ssh("alice+db01").option(CIPHER).option(EXCHANGE);
                times.push(transfer(&ssh, Way::Down, &command, &file, length)?);
            }
        }
        let [(_, without), (_, with)] = sites.as_slice() else {
            return Ok(());
        };
        let rate = |times: &[f64]| length as f64 / 1e6 / median(times);
        let ratio = median(without) / median(with);
        self.note(
            &format!(
                "{} MiB down, metered at five levels, beside no limit",
                self.arguments.size
            ),
            &format!("{:.0} MB/s without a limit", rate(without)),
            &format!("{:.0} MB/s metered", rate(with)),
            &format!("{ratio:.2} ×"),
            "≥ 0.97 ×",
            Some(ratio >= PROMISED),
        );
        Ok(())
    }
}
