//! In which order a client's keys may stand. A person's key is told that it is worth a signature only after a
//! station's; a client that does not try its keys again must offer the station's first.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, client, keys, peers};

use super::{PATIENCE, installed, open_site};

const STATION_FIRST: [&str; 2] = ["ws-1", "alice"];
const PERSON_FIRST: [&str; 2] = ["alice", "ws-1"];

/// Whether a command that says `entered` was run, with what the client said.
fn entered(answer: &client::Answer) -> bool {
    answer.status == Some(0) && answer.text().contains("entered")
}

fn expect(client: &str, order: &[&str], answer: &client::Answer, enters: bool) -> Result<()> {
    ensure!(
        entered(answer) == enters,
        "{client} with keys {order:?} was to {}: {answer:?}",
        if enters { "enter" } else { "stay out" }
    );
    Ok(())
}

#[test]
fn openssh_enters_in_either_order() -> Result<()> {
    let site = open_site()?;
    for order in [STATION_FIRST, PERSON_FIRST] {
        let mut ssh = site.ssh("alice+db01");
        for name in order {
            ssh = ssh.key(&site.layout().key(name));
        }
        let answer = ssh.run("echo entered").answer()?;
        expect("ssh", &order, &answer, true)?;
    }
    Ok(())
}

/// It signs without asking first; the door takes that as asking.
#[test]
fn paramiko_enters_with_the_stations_key_first() -> Result<()> {
    let site = open_site()?;
    for (order, enters) in [(STATION_FIRST, true), (PERSON_FIRST, false)] {
        let answer = with_peer(&site, "paramiko", order)?;
        expect("paramiko", &order, &answer, enters)?;
    }
    Ok(())
}

#[test]
fn asyncssh_enters_with_the_stations_key_first() -> Result<()> {
    let site = open_site()?;
    for (order, enters) in [(STATION_FIRST, true), (PERSON_FIRST, false)] {
        let answer = with_peer(&site, "asyncssh", order)?;
        expect("asyncssh", &order, &answer, enters)?;
    }
    Ok(())
}

fn with_peer(site: &Site, library: &str, [first, second]: [&str; 2]) -> Result<client::Answer> {
    peers::run(site, "key_orders", &[library, "alice+db01", first, second])
}

/// PuTTY's keys stand in its agent, in the order in which they were added.
#[test]
fn plink_enters_with_the_stations_key_first() -> Result<()> {
    installed("plink", "putty-tools")?;
    let site = open_site()?;
    let layout = site.layout();
    let path = layout.root().join("gateway.pub");
    fs::write(&path, site.host_key()?)?;
    for (order, enters) in [(STATION_FIRST, true), (PERSON_FIRST, false)] {
        let script = format!(
            "set -e; ssh-add -q '{}' '{}'; export HOME='{}'; plink -ssh -agent -batch -P {} -l alice+db01 -hostkey {} 127.0.0.1 'echo entered'",
            layout.key(order[0]).display(),
            layout.key(order[1]).display(),
            layout.root().display(),
            site.plan().ports.door,
            keys::fingerprint(&path)?
        );
        let mut agent = Command::new("ssh-agent");
        let answer = client::run(agent.args(["sh", "-c", &script]), &[], PATIENCE)?;
        expect("plink", &order, &answer, enters)?;
    }
    Ok(())
}

/// A key that was refused is not offered again by Dropbear's client; named twice, it is another.
#[test]
fn dbclient_enters_with_the_stations_key_first() -> Result<()> {
    installed("dbclient", "dropbear-bin")?;
    let site = open_site()?;
    for (order, enters) in [
        (&STATION_FIRST[..], true),
        (&PERSON_FIRST[..], false),
        (&["alice", "ws-1", "alice"][..], true),
    ] {
        let answer = client::run(&mut dbclient(&site, order)?, &[], PATIENCE)?;
        expect("dbclient", order, &answer, enters)?;
    }
    Ok(())
}

fn dbclient(site: &Site, order: &[&str]) -> Result<Command> {
    let layout = site.layout();
    let home = layout.root().join("dropbear");
    fs::create_dir_all(home.join(".ssh"))?;
    let port = site.plan().ports.door.to_string();
    let known = format!(
        "127.0.0.1 {key}\n[127.0.0.1]:{port} {key}\n",
        key = site.host_key()?
    );
    fs::write(home.join(".ssh/known_hosts"), known)?;
    let mut command = Command::new("dbclient");
    for name in order {
        command.args([OsString::from("-i"), converted(site, &home, name)?.into()]);
    }
    command
        .args([
            "-y",
            "-p",
            &port,
            "-l",
            "alice+db01",
            "127.0.0.1",
            "echo entered",
        ])
        .env("HOME", &home);
    Ok(command)
}

/// The key in Dropbear's own form.
fn converted(site: &Site, home: &std::path::Path, name: &str) -> Result<PathBuf> {
    let file = home.join(name);
    let made = Command::new("dropbearconvert")
        .args(["openssh", "dropbear"])
        .arg(site.layout().key(name))
        .arg(&file)
        .output()
        .context("dropbearconvert is missing: install the package dropbear-bin")?;
    ensure!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(file)
}
