//! The benchmark: each figure beside the same figure without the gateway, measured in turn in one run.
//!
//! Client, gateway and target share the machine, so a ratio says more than a figure. Nothing here is tuned for the gateway: both
//! ways use the same stock client, the same cipher and the same sshd.

mod bulk;
mod burst;
mod files;
mod forwards;
mod gauge;
mod hands;
mod held;
mod memory;
mod metering;
mod report;
mod search;
mod setup;
mod slowed;
mod typing;
mod waking;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use bulk::Way;
use clap::Parser;
use ecluse_tests::payload::Kind;
use ecluse_tests::{Site, Ssh};
use report::Figure;

/// Both ways use these, so that only the gateway differs: OpenSSH by itself would choose a slower key exchange without it.
const CIPHER: &str = "Ciphers aes256-gcm@openssh.com";
const EXCHANGE: &str = "KexAlgorithms curve25519-sha256";
/// After this long without an end, a transfer has stalled.
const STALL: Duration = Duration::from_secs(900);

/// Measures a session through the gateway against the same session without it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Size of a transfer, in MiB.
    #[arg(long, default_value_t = 1024)]
    size: u64,
    /// How often each transfer is made, each way; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Keystrokes, each way.
    #[arg(long, default_value_t = 3000)]
    keystrokes: usize,
    /// Sessions opened one after the other, each way.
    #[arg(long, default_value_t = 40)]
    setups: usize,
    /// Idle shells held open.
    #[arg(long, default_value_t = 200)]
    sessions: usize,
    /// Channels of one connection that are open at once and sealed together.
    #[arg(long, default_value_t = 100)]
    channels: usize,
    /// Connections held open that never log in.
    #[arg(long, default_value_t = 500)]
    strangers: usize,
    /// Live sessions that are held open beside commits which do not concern them.
    #[arg(long, default_value_t = 1000)]
    live: usize,
    /// Hours that are recorded to be searched.
    #[arg(long, default_value_t = 1000)]
    hours: usize,
    /// Size of a burst that sealing has to catch up with, in MiB; it takes two and a half times that on disk.
    #[arg(long, default_value_t = 10_240)]
    burst: u64,
    /// Small files, of 4 KiB.
    #[arg(long, default_value_t = 10_000)]
    files: u64,
    /// Only these: down, up, duplex, line, keys, strangers, sealing, stall, idle, channels, setup, burst, search, hands, waking, metering, held, slowed, meters, files, forwards.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the results are written.
    #[arg(long, overrides_with = "results")]
    results: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let wanted =
        |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name);
    let mut bench = Bench::start(&arguments)?;
    for kind in [Kind::Noise, Kind::Log] {
        if wanted("down") {
            bench.bulk(Way::Down, kind)?;
        }
        if wanted("up") {
            bench.bulk(Way::Up, kind)?;
        }
        if wanted("duplex") {
            bench.bulk(Way::Both, kind)?;
        }
    }
    if wanted("line") {
        bench.at_line_rate(Way::Down)?;
        bench.at_line_rate(Way::Up)?;
    }
    if wanted("keys") {
        bench.keystrokes()?;
    }
    if wanted("strangers") {
        bench.strangers()?;
    }
    if wanted("sealing") {
        bench.beside_sealing()?;
    }
    if wanted("stall") {
        bench.stalled_reader()?;
    }
    if wanted("idle") {
        bench.idle_shells()?;
    }
    if wanted("channels") {
        bench.sealing_of_many_channels()?;
    }
    if wanted("setup") {
        bench.setups()?;
        bench.setups_with_codes()?;
    }
    if wanted("burst") {
        bench.burst()?;
    }
    if wanted("search") {
        bench.search()?;
    }
    if wanted("hands") {
        bench.hands()?;
    }
    if wanted("waking") {
        bench.waking()?;
    }
    if wanted("metering") {
        bench.metering()?;
    }
    if wanted("held") {
        bench.held()?;
    }
    if wanted("slowed") {
        bench.slowed()?;
    }
    if wanted("meters") {
        bench.meters()?;
    }
    if wanted("files") {
        bench.files()?;
    }
    if wanted("forwards") {
        bench.forwards()?;
    }
    bench.report(arguments.results.as_deref())
}

struct Bench<'a> {
    arguments: &'a Arguments,
    site: Site,
    figures: Vec<Figure>,
    removable: Vec<PathBuf>,
}

impl<'a> Bench<'a> {
    fn start(arguments: &'a Arguments) -> Result<Self> {
        let site = Site::start_with(|plan| {
            plan.documents.settings.remember = "4h".to_owned();
            plan.documents.settings.limits = limits();
            Ok(())
        })?;
        site.approved("alice", "db01")?;
        Ok(Self {
            arguments,
            site,
            figures: Vec::new(),
            removable: Vec::new(),
        })
    }

    fn direct(&self) -> Ssh {
        self.site.direct().option(CIPHER).option(EXCHANGE)
    }

    fn through(&self) -> Ssh {
        self.site.ssh("alice+db01").option(CIPHER).option(EXCHANGE)
    }
}

/// Enough room for what the benchmark itself opens; the defaults are for the open sea.
fn limits() -> Vec<String> {
    vec![
        "per-source = 3000".to_owned(),
        "total = 3000".to_owned(),
        "per-person = 3000".to_owned(),
        "log-ons-per-person = 100000".to_owned(),
        "unauthenticated = 2000".to_owned(),
        "unauthenticated-stations = 2000".to_owned(),
        "authenticate-within = \"5m\"".to_owned(),
    ]
}
