//! What the client's socket receives, counted on the wire, whatever takes it out. X1, X2, invariant 9.

use std::process::Command;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

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
    /// A shell, at a terminal or without one, at which this is typed.
    Shell(bool, &'static str),
    /// Many small commands over one connection.
    Again,
    Scp,
    Rsync,
    Git,
}

const KINDS: [Kind; 16] = [
    Kind::Shell(true, "cat plain"),
    Kind::Shell(false, "cat plain"),
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
    lock.leads_to(site.plan().ports.door);
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    // Each twice, with another budget.
    for (round, kind) in KINDS.iter().chain(&KINDS).enumerate() {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let kib = 40 + usize::try_from(dice % 400)?;
        let shown = format!("{} GiB", 100 + round);
        let limits = format!("session = \"{kib} KiB\", intervention = \"{shown}\"");
        budgets(&mut site, &limits, &shown)?;
        let before = lock.sent.load(SeqCst);
        take(&site, &behind(&site, &lock), *kind, round)?;
        comes_to(lock.sent.load(SeqCst) - before, kib * KIB, kind)?;
    }
    // What is slowed at its budget has its ceiling for one.
    for (round, kind) in KINDS.iter().take(3).enumerate() {
        let shown = format!("{} GiB", 200 + round);
        let limits = format!(
            "session = \"100 KiB\", intervention = \"{shown}\", at-limit = \"slow\", slow-rate = \"64 KiB/s\", ceiling = \"150%\""
        );
        budgets(&mut site, &limits, &shown)?;
        let before = lock.sent.load(SeqCst);
        let ssh = behind(&site, &lock);
        let taken = thread::scope(|scope| -> Result<Answer> {
            let taking = scope.spawn(|| comes(&ssh, *kind));
            let cut = held::held(&site).and_then(|session| site.operator(&["cut", &session]));
            let taken = taking.join();
            cut?.success()?;
            taken.map_err(|_| anyhow::anyhow!("a thread was lost"))?
        })?;
        taken.status_is(254)?;
        comes_to(lock.sent.load(SeqCst) - before, 150 * KIB, kind)?;
    }
    Ok(())
}

/// Alice's `ssh`, through the lock that counts.
fn behind(site: &Site, lock: &Lock) -> Ssh {
    let door = site.plan().ports.door;
    site.ssh("alice+db01")
        .option(&format!("Port {}", lock.port))
        .option(&format!("HostKeyAlias [127.0.0.1]:{door}"))
        .patience(PATIENCE)
}

fn comes_to(came: usize, budget: usize, kind: &Kind) -> Result<()> {
    ensure!(
        came <= budget + BESIDE + budget / HEADERS,
        "{kind:?}: {came} bytes came of {budget}"
    );
    ensure!(
        came > budget / 2,
        "{kind:?}: {came} bytes came of {budget}, which is too few"
    );
    Ok(())
}

/// What comes of one that runs or is typed.
fn comes(ssh: &Ssh, kind: Kind) -> Result<Answer> {
    let at = |terminal| match terminal {
        true => ssh.clone().flag("-tt"),
        false => ssh.clone(),
    };
    match kind {
        Kind::Runs(terminal, command) => at(terminal).run(command).answer(),
        Kind::Shell(terminal, line) => typed(&at(terminal), line),
        Kind::Again | Kind::Scp | Kind::Rsync | Kind::Git => {
            anyhow::bail!("{kind:?} is a program of its own")
        }
    }
}

/// Takes what it gets.
fn take(site: &Site, ssh: &Ssh, kind: Kind, round: usize) -> Result<()> {
    let into = site.layout().root().join(format!("taken-{round}"));
    let copies = |mut program: Command| {
        program.arg("alice+db01@gw:noise").arg(&into);
        client::run(&mut program, &[], PATIENCE)
    };
    let answer = match kind {
        Kind::Runs(..) | Kind::Shell(..) => comes(ssh, kind)?,
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
