//! What the client's socket receives, counted on the wire, whatever takes it out. X1, X2, invariant 9.

use std::process::Command;
use std::sync::atomic::Ordering::SeqCst;

use ecluse_tests::client;

use super::lock::Lock;
use super::programs::{git, repository, rsync, scp};
use super::*;

/// What the wire has beside payload: key exchange, log-on, and the gateway's own words, of one connection.
const BESIDE: usize = 24 * KIB;
/// And at most one part in so many for the headers of packets.
const HEADERS: usize = 16;

/// One way out.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A command, at a terminal or without one.
    Runs(bool, &'static str),
    /// Many small commands over one connection.
    Again,
    Scp,
    Rsync,
    Git,
}

const KINDS: [Kind; 14] = [
    Kind::Runs(true, "cat plain"),
    Kind::Runs(true, "base64 noise"),
    Kind::Runs(true, "cat titles"),
    Kind::Runs(true, "cat plain >&2"),
    Kind::Runs(false, "cat noise"),
    Kind::Runs(false, "cat titles"),
    Kind::Runs(false, "cat plain >&2"),
    Kind::Runs(false, "cat plain >&2 & cat noise; wait"),
    Kind::Runs(false, "tar cf - noise | gzip"),
    Kind::Runs(false, "cat plain; kill -TERM $$"),
    Kind::Again,
    Kind::Scp,
    Kind::Rsync,
    Kind::Git,
];

/// X1, X2: for every kind of channel and several budgets, the bytes that the client's socket received are at most the budget and the
/// stated framing: the overshoot is nothing.
#[test]
fn x1_no_kind_puts_more_on_the_wire_than_its_budget() -> Result<()> {
    let mut site = open_site()?;
    repository(&site)?;
    let lock = Lock::open()?;
    let door = site.plan().ports.door;
    lock.leads_to(door);
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    for (round, kind) in KINDS.iter().enumerate() {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let kib = 40 + usize::try_from(dice % 400)?;
        let shown = format!("{} GiB", 100 + round);
        let limits = format!("session = \"{kib} KiB\", intervention = \"{shown}\"");
        budgets(&mut site, &limits, &shown)?;
        let before = lock.sent.load(SeqCst);
        let ssh = site
            .ssh("alice+db01")
            .option(&format!("Port {}", lock.port))
            .option(&format!("HostKeyAlias [127.0.0.1]:{door}"))
            .patience(PATIENCE);
        take(&site, &ssh, *kind, round)?;
        let came = lock.sent.load(SeqCst) - before;
        let budget = kib * KIB;
        ensure!(
            came <= budget + BESIDE + budget / HEADERS,
            "{kind:?}: {came} bytes came of {budget}"
        );
        ensure!(
            came > budget / 2,
            "{kind:?}: {came} bytes came of {budget}, which is too few"
        );
    }
    Ok(())
}

/// Takes what it gets.
fn take(site: &Site, ssh: &Ssh, kind: Kind, round: usize) -> Result<()> {
    let into = site.layout().root().join(format!("taken-{round}"));
    let copies = |mut program: Command| {
        program.arg("alice+db01@gw:noise").arg(&into);
        client::run(&mut program, &[], PATIENCE)
    };
    let answer = match kind {
        Kind::Runs(terminal, command) => {
            let ssh = ssh.clone().run(command);
            if terminal { ssh.flag("-tt") } else { ssh }.answer()?
        }
        Kind::Again => {
            let shared = ssh.clone().shared(&format!("again-{round}"));
            loop {
                let answer = shared.clone().run("head -c 10000 plain").answer()?;
                if answer.status != Some(0) {
                    break answer;
                }
            }
        }
        Kind::Scp => copies(scp(ssh))?,
        Kind::Rsync => copies(rsync(ssh)?)?,
        Kind::Git => {
            let mut program = git(site, ssh, &into.with_extension("came"))?;
            let from = "alice+db01@gw:repository";
            program.args(["clone", "--quiet", from]).arg(&into);
            client::run(&mut program, &[], PATIENCE)?
        }
    };
    ensure!(answer.status != Some(0), "{kind:?} had all: {answer:?}");
    answer.says(&["a budget is spent"]).map(drop)
}
