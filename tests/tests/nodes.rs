//! Several gateways on one store, real processes: one journal, one trail for each client, whichever of them writes. R3, R9.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::gateway::Gateway;
use ecluse_tests::process::{Care, Process};
use ecluse_tests::{Site, ports, store, wait};

use crate::bundles::{ends_with, said};

/// Sessions on each node.
const SESSIONS: usize = 6;

/// Another gateway on the store of a site: with the same keys and recordings, and a door and a data directory of its own.
struct Node {
    gateway: Gateway,
    process: Process,
    port: u16,
}

impl Node {
    fn beside(site: &Site) -> Result<Self> {
        let layout = site.layout();
        let (config, data) = (layout.root().join("config-2"), layout.root().join("data-2"));
        copy(&layout.config(), &config)?;
        fs::create_dir(&data)?;
        fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        copy(&layout.data().join("keys"), &data.join("keys"))?;
        let port = ports::free_port()?;
        let settings = config.join("gateway.toml");
        let text = fs::read_to_string(&settings)?;
        let listen = text
            .lines()
            .find(|line| line.starts_with("listen = "))
            .context("no door")?;
        let text = text
            .replace(listen, &format!("listen = \"127.0.0.1:{port}\""))
            .replace(
                &format!("\"{}\"", layout.data().display()),
                &format!("\"{}\"", data.display()),
            );
        fs::write(&settings, text)?;
        let known = layout.known_hosts();
        let line = format!("[127.0.0.1]:{port} {}\n", site.host_key()?);
        fs::write(&known, fs::read_to_string(&known)? + &line)?;
        let gateway = Gateway::find(&settings)?;
        let mut process = Process::start(
            "gateway-2",
            &mut gateway.command(["serve"]),
            &layout.logs(),
            Care::Test,
        )?;
        process.wait_for_line("ready", Duration::from_secs(30))?;
        Ok(Self {
            gateway,
            process,
            port,
        })
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(copied.success(), "cp failed");
    Ok(())
}

fn query(database: &str, sql: &str) -> Result<String> {
    let asked = Command::new("psql")
        .arg(database)
        .args(["-qAtc", sql])
        .output()?;
    ensure!(asked.status.success(), "{}", said(&asked));
    Ok(said(&asked).trim().to_owned())
}

fn session(site: &Site, port: Option<u16>) -> Result<()> {
    let mut ssh = site.ssh("alice+db01").run("echo done");
    if let Some(port) = port {
        ssh = ssh.option(&format!("Port {port}"));
    }
    ssh.answer()?.success()?;
    Ok(())
}

/// The numbers of a client's trail in a bundle.
fn numbers(bundle: &Path) -> Result<Vec<u64>> {
    let read = Command::new("tar")
        .arg("-xOf")
        .arg(bundle)
        .arg("entries.jsonl")
        .output()?;
    ensure!(read.status.success(), "{}", said(&read));
    let mut numbers = Vec::new();
    for line in String::from_utf8(read.stdout)?.lines() {
        let entry: serde_json::Value = serde_json::from_str(line)?;
        numbers.extend(entry.get("nth").and_then(serde_json::Value::as_u64));
    }
    Ok(numbers)
}

/// R3, R9: two nodes write entries of one client at the same time; running numbers and chain have no hole, and what either
/// exports verifies.
#[test]
fn r3_two_nodes_on_one_store_make_one_chain_without_a_hole() -> Result<()> {
    let database = store::database()?;
    let address = database.clone();
    let site = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        let shared = plan.layout.root().join("shared-recordings");
        plan.documents.settings.recordings = Some(shared.display().to_string());
        Ok(())
    })?;
    let mut node = Node::beside(&site)?;
    // Known to the door from both, so that nobody waits for a code in the middle.
    site.proven("alice", "db01")?;
    session(&site, Some(node.port))?;

    std::thread::scope(|scope| -> Result<()> {
        let both: Vec<_> = [None, Some(node.port)]
            .into_iter()
            .map(|port| {
                let site = &site;
                scope.spawn(move || (0..SESSIONS).try_for_each(|_| session(site, port)))
            })
            .collect();
        for writer in both {
            let written = writer.join();
            written.map_err(|_| anyhow::anyhow!("a thread was lost"))??;
        }
        Ok(())
    })?;
    let sealed = format!(
        "select count(*) from audit where kind = 'recording-sealed' having count(*) = {}",
        2 * SESSIONS + 2
    );
    wait::until_true("the seals on record", Duration::from_secs(60), || {
        Ok(!query(&database, &sealed)?.is_empty())
    })?;
    let nodes = query(
        &database,
        "select count(*) from sessions group by node order by node",
    )?;
    let each = (SESSIONS + 1).to_string();
    ensure!(
        nodes.lines().collect::<Vec<_>>() == [&each, &each],
        "{nodes}"
    );

    let verified = site
        .gateway()
        .try_run(["journal", "verify", "--contents"], "")?;
    ends_with(&verified, 0, &["intact"])?;
    for (name, gateway) in [("one.tar", site.gateway()), ("two.tar", &node.gateway)] {
        let bundle = site.layout().root().join(name);
        let output = bundle.display().to_string();
        gateway.run(["export", "--client", "hopital", "--output", &output], "")?;
        let told: Output = site.gateway().try_run(["verify", &output], "")?;
        ends_with(&told, 0, &["intact"])?;
        let numbers = numbers(&bundle)?;
        let whole: Vec<u64> = (1..=u64::try_from(numbers.len())?).collect();
        ensure!(numbers == whole, "{name}: {numbers:?}");
    }
    // The numbers of every trail that there is, as the store has them.
    let all = query(
        &database,
        "select coalesce(client, '') || ' ' || (entry::json->>'nth') from journal join audit using (seq) \
         where entry::json->>'nth' is not null order by seq",
    )?;
    let mut trails: std::collections::BTreeMap<&str, u64> = Default::default();
    let mut seen = BTreeSet::new();
    for line in all.lines() {
        let (client, nth) = line.rsplit_once(' ').context("no number")?;
        ensure!(seen.insert(line), "{line} twice");
        let last = trails.entry(client).or_default();
        ensure!(
            nth.parse::<u64>()? == *last + 1,
            "{line} comes after {last}"
        );
        *last += 1;
    }
    ensure!(trails.len() == 2, "{trails:?}");
    let status = node.process.stop()?;
    ensure!(status.success(), "{status}: {}", node.process.errors());
    Ok(())
}
