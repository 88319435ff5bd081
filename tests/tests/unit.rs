//! The systemd unit of the repository: systemd reads it, it takes away what its comments and the READMEs say, and what it
//! starts serves. O7, F8.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::peers::repository;
use ecluse_tests::process::{Care, Process};
use ecluse_tests::{Site, gateway};
use serde_json::Value;

/// What stays open, for reasons that the unit's comments or the gateway's task give: it dials and listens, it reads
/// /proc/swaps, it runs on the machine's own files and as one of its users.
const OPEN: [&str; 9] = [
    "SystemCallFilter=~@resources",
    "RootDirectory=/RootImage=",
    "RestrictAddressFamilies=~AF_UNIX",
    "RestrictAddressFamilies=~AF_(INET|INET6)",
    "ProcSubset=",
    "PrivateNetwork=",
    "PrivateUsers=",
    "DeviceAllow=",
    "IPAddressDeny=",
];

fn unit() -> Result<String> {
    Ok(fs::read_to_string(
        repository().join("config/ecluse.service"),
    )?)
}

/// The lines of the unit that count, each name with its values in order.
fn settings() -> Result<BTreeMap<String, Vec<String>>> {
    let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in unit()?.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, value)) = line.split_once('=') {
            let values = settings.entry(name.to_owned()).or_default();
            values.push(value.to_owned());
        }
    }
    Ok(settings)
}

/// The unit with the binary that was built in the place where packages put it.
fn with_our_binary(directory: &Path) -> Result<std::path::PathBuf> {
    let binary = gateway::beside("ecluse")?.display().to_string();
    let text = unit()?.replace("=/usr/bin/ecluse", &format!("={binary}"));
    ensure!(text.contains(&binary), "the unit starts something else");
    let file = directory.join("ecluse.service");
    fs::write(&file, text)?;
    Ok(file)
}

fn analyze(arguments: &[&str], file: &Path) -> Result<std::process::Output> {
    Command::new("systemd-analyze")
        .args(arguments)
        .arg(file)
        .output()
        .context("systemd-analyze cannot be run: run tests/run as root once, or install the package systemd")
}

#[test]
fn systemd_reads_the_unit_without_a_complaint() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = with_our_binary(directory.path())?;
    let verified = analyze(&["verify", "--man=no"], &file)?;
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("ecluse.service"))
        .collect();
    ensure!(verified.status.success() && ours.is_empty(), "{said}");
    // It would complain: of a name that it does not know, for one.
    let text = fs::read_to_string(&file)?.replace("NoNewPrivileges=yes", "NoMorePrivileges=yes");
    fs::write(&file, text)?;
    let verified = analyze(&["verify", "--man=no"], &file)?;
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    ensure!(said.contains("NoMorePrivileges"), "{said}");
    Ok(())
}

/// `systemd-analyze security` finds nothing open but what is named here.
#[test]
fn the_unit_leaves_open_what_is_said_and_nothing_else() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = with_our_binary(directory.path())?;
    let options = [
        "security",
        "--offline=true",
        "--no-pager",
        "--json=short",
        "--threshold=15",
    ];
    let told = analyze(&options, &file)?;
    ensure!(
        told.status.success(),
        "more exposed than 1.5:\n{}",
        String::from_utf8_lossy(&told.stderr)
    );
    let checks: Vec<Value> = serde_json::from_slice(&told.stdout)
        .with_context(|| String::from_utf8_lossy(&told.stdout).into_owned())?;
    ensure!(checks.len() > 60, "{} checks only", checks.len());
    for check in &checks {
        let name = check["name"].as_str().unwrap_or_default();
        ensure!(
            check["set"] != false || OPEN.contains(&name),
            "{name} is open: {}",
            check["description"]
        );
    }
    Ok(())
}

/// What the gateway's README and the unit's own comments promise of it, written where it counts and not behind a `#`.
#[test]
fn the_unit_says_what_the_documentation_says_of_it() -> Result<()> {
    let settings = settings()?;
    for (name, value) in [
        ("User", "ecluse"),
        ("Group", "ecluse"),
        ("StateDirectory", "ecluse"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
        ("MemorySwapMax", "0"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("ProtectProc", "invisible"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ] {
        ensure!(
            settings.get(name).map(Vec::as_slice) == Some(&[value.to_owned()]),
            "{name} is {:?} and not {value:?}",
            settings.get(name)
        );
    }
    let filters = settings.get("SystemCallFilter").context("no filter")?;
    ensure!(
        filters == &["@system-service", "~@privileged"],
        "{filters:?}"
    );
    // Sessions have 10 s to end and recordings 60 s to be sealed; whoever stops the gateway waits for both.
    let stop = settings.get("TimeoutStopSec").and_then(|all| all.first());
    let seconds: u64 = stop
        .and_then(|text| text.strip_suffix('s')?.parse().ok())
        .context("no TimeoutStopSec in seconds")?;
    ensure!(seconds > 70, "{seconds} s");
    Ok(())
}

/// The unit's own command lines, with this site's files in place of the machine's.
#[test]
fn what_the_unit_starts_checks_and_serves() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let settings = settings()?;
    let line = |name: &str| -> Result<Vec<String>> {
        let lines = settings.get(name).context("not in the unit")?;
        ensure!(lines.len() == 1, "{lines:?}");
        let words = lines.iter().flat_map(|line| line.split(' '));
        Ok(words
            .map(|word| match word {
                "/usr/bin/ecluse" => site.gateway().binary().display().to_string(),
                "/etc/ecluse" => site.layout().config().display().to_string(),
                "/etc/ecluse/gateway.toml" => site.layout().settings().display().to_string(),
                other => other.to_owned(),
            })
            .collect())
    };
    let command = |words: &[String]| -> Result<Command> {
        let (program, arguments) = words.split_first().context("an empty line")?;
        let mut command = Command::new(program);
        command.args(arguments).env_remove("ECLUSE_CONFIG");
        Ok(command)
    };
    let checked = command(&line("ExecStartPre")?)?.output()?;
    ensure!(checked.status.success(), "{checked:?}");
    let mut serving = command(&line("ExecStart")?)?;
    let mut process = Process::start("unit", &mut serving, &site.layout().logs(), Care::Test)?;
    process.wait_for_line("ready", Duration::from_secs(30))?;
    ensure!(process.stop()?.success(), "it did not stop in order");
    Ok(())
}
