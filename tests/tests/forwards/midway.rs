//! What happens while connections are open: budgets that hold and end, a cut, a line that is lost. X1, X2, X3, I5.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Result, ensure};
use ecluse_tests::{store, wait};

use super::{GREETING, Ground, PATIENCE, connect, echoes, free, noise};

const KIB: usize = 1 << 10;

/// Another extraction, in force once its intervention's budget shows.
fn budgets(ground: &mut Ground, session: &str, shown: &str, at_limit: &str) -> Result<()> {
    ground.site.apply(|documents| {
        documents.extraction = format!(
            "{{ session = \"{session}\", intervention = \"{shown}\", at-limit = \"{at_limit}\" }}"
        );
        Ok(())
    })?;
    wait::until_true("the budget", PATIENCE, || {
        let told = ground.site.lobby("alice", &["quota"]).answer()?;
        Ok(told.success()?.text().contains(shown))
    })
}

/// All that comes until it ends.
fn drains(stream: &mut TcpStream) -> Result<usize> {
    let (mut came, mut block) = (0, vec![0; 64 * KIB]);
    loop {
        // A client that is cut ends what it forwards in one way or another.
        match stream.read(&mut block) {
            Ok(0) | Err(_) => return Ok(came),
            Ok(read) => came += read,
        }
    }
}

/// X1, X2: what pours through a forward ends at its budget, and no byte of payload passes beyond it.
#[test]
fn x2_a_forward_ends_at_its_budget() -> Result<()> {
    let mut ground = Ground::start()?;
    budgets(&mut ground, "300 KiB", "64 GiB", "end")?;
    let port = free()?;
    let place = format!("127.0.0.1:{port}:127.0.0.1:{}", ground.places.pours);
    let _ssh = ground.ssh(&["-L", &place], port)?;
    let came = drains(&mut connect(port)?)?;
    ensure!(came <= 300 * KIB && came > 150 * KIB, "{came} bytes came");
    let ended = wait::until("the end of its session", PATIENCE, || {
        let ends = store::audit(&ground.site, "session-end")?;
        Ok(ends
            .last()
            .cloned()
            .filter(|end| end["detail"]["to-technician"] == came))
    })?;
    ensure!(
        ended["reason"]
            .as_str()
            .is_some_and(|it| it.contains("budget")),
        "{ended}"
    );
    Ok(())
}

/// X3: whoever opens a forward while a budget is spent is refused in words, and not left without an answer.
#[test]
fn x3_a_forward_behind_a_spent_budget_is_answered() -> Result<()> {
    let mut ground = Ground::start()?;
    let port = free()?;
    let place = format!("127.0.0.1:{}", ground.places.echo);
    let mut ssh = ground.ssh(&["-L", &format!("127.0.0.1:{port}:{place}")], port)?;
    echoes(&connect(port)?, &noise(300_000, 5))?;
    ssh.child.kill()?;
    budgets(&mut ground, "64 GiB", "100 KiB", "hold")?;
    let behind = ground.site.ssh("alice+db01").option("LogLevel INFO");
    let answer = behind.flag("-W").flag(&place).answer()?.status_is(255)?;
    let answer = answer.says(&["Nothing more passes for now", "quota"])?;
    ensure!(answer.output.is_empty(), "{answer:?}");
    Ok(())
}

/// X3: what is held waits, several connections together, and goes on exactly once an operator adds to it.
#[test]
fn x3_forwards_are_held_together_and_exact() -> Result<()> {
    let mut ground = Ground::start()?;
    budgets(&mut ground, "1 MiB", "64 GiB", "hold")?;
    let port = free()?;
    let place = format!("127.0.0.1:{port}:127.0.0.1:{}", ground.places.echo);
    let _ssh = ground.ssh(&["-L", &place], port)?;
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..3u64)
            .map(|seed| scope.spawn(move || echoes(&connect(port)?, &noise(1_500_000, seed))))
            .collect();
        wait::until_true("the hold", PATIENCE, || {
            let live = ground.site.operator(&["live"])?.success()?.text();
            Ok(live.contains("HELD"))
        })?;
        let session = ground.site.live_session()?;
        ground
            .site
            .operator(&["topup", &session, "16MiB"])?
            .success()?;
        for one in all {
            one.join().map_err(|_| anyhow::anyhow!("one failed"))??;
        }
        Ok::<_, anyhow::Error>(())
    })
}

/// A program that reads nothing is ended once it keeps others waiting for long, and these go on.
#[test]
fn what_nobody_reads_does_not_keep_the_others_for_ever() -> Result<()> {
    let ground = Ground::start()?;
    let (pours, echo) = (free()?, free()?);
    let of = |port: u16, to: u16| format!("127.0.0.1:{port}:127.0.0.1:{to}");
    let flags = [of(pours, ground.places.pours), of(echo, ground.places.echo)];
    let _ssh = ground.ssh(&["-L", &flags[0], "-L", &flags[1]], echo)?;
    let waits = connect(echo)?;
    let unread = connect(pours)?;
    // One that comes behind it waits for the target's answer, which nobody reads either.
    let behind = connect(echo)?;
    let ended = wait::until("the end of what nobody reads", PATIENCE, || {
        Ok(store::audit(&ground.site, "forwarded")?.pop())
    })?;
    ensure!(
        ended["reason"]
            .as_str()
            .is_some_and(|it| it.contains("read nothing")),
        "{ended}"
    );
    echoes(&waits, &noise(300_000, 5))?;
    echoes(&behind, &noise(300_000, 6))?;
    drop(unread);
    Ok(())
}

/// What nobody reads ends for one that is not open yet, too: nobody is told that the target does not reach its place.
#[test]
fn what_nobody_reads_does_not_keep_a_newcomer_out() -> Result<()> {
    let ground = Ground::start()?;
    let (pours, echo) = (free()?, free()?);
    let of = |port: u16, to: u16| format!("127.0.0.1:{port}:127.0.0.1:{to}");
    let flags = [of(pours, ground.places.pours), of(echo, ground.places.echo)];
    let _ssh = ground.ssh(&["-L", &flags[0], "-L", &flags[1]], echo)?;
    let unread = connect(pours)?;
    wait::until_true("the unread one in passage", PATIENCE, || {
        Ok(ground
            .site
            .operator(&["live"])?
            .success()?
            .text()
            .contains("forward"))
    })?;
    echoes(&connect(echo)?, &noise(300_000, 5))?;
    drop(unread);
    Ok(())
}

/// I5: an operator sees what is open, holds it, and cuts it.
#[test]
fn i5_a_cut_ends_what_is_open() -> Result<()> {
    let ground = Ground::start()?;
    let port = free()?;
    let place = format!("127.0.0.1:{port}:127.0.0.1:{}", ground.places.echo);
    let _ssh = ground.ssh(&["-L", &place], port)?;
    let mut open = connect(port)?;
    let mut greeting = vec![0; GREETING.len()];
    open.read_exact(&mut greeting)?;
    let session = ground.site.live_session()?;
    ground.site.operator(&["cut", &session])?.success()?;
    ensure!(drains(&mut open)? == 0);
    let forwarded = wait::until("its entry", PATIENCE, || {
        Ok(store::audit(&ground.site, "forwarded")?.pop())
    })?;
    ensure!(
        forwarded["reason"]
            .as_str()
            .is_some_and(|it| it.contains("odile")),
        "{forwarded}"
    );
    Ok(())
}

/// Invariant 6: a line that is lost ends what goes by it within the second, and nothing else of the session.
#[test]
fn a_lost_line_ends_its_forwards_alone() -> Result<()> {
    let mut ground = Ground::start()?;
    let (echo, digest) = (free()?, free()?);
    let of = |port: u16, to: u16| format!("127.0.0.1:{port}:127.0.0.1:{to}");
    let (lost, kept) = (ground.places.echo, ground.places.digest);
    let _ssh = ground.ssh(&["-L", &of(echo, lost), "-L", &of(digest, kept)], digest)?;
    let mut open = connect(echo)?;
    let mut greeting = vec![0; GREETING.len()];
    open.read_exact(&mut greeting)?;
    let mut other = connect(digest)?;
    other.write_all(b"half")?;
    wait::until_true("both to be open", PATIENCE, || {
        let live = ground.site.operator(&["live"])?.success()?.text();
        Ok(live.contains(&format!(":{lost}")) && live.contains(&format!(":{kept}")))
    })?;
    ground.site.apply(|documents| {
        let gone = format!(":{lost}");
        documents
            .flow("dba")?
            .allow
            .retain(|line| !line.ends_with(&gone));
        Ok(())
    })?;
    ensure!(drains(&mut open)? == 0);
    // The other goes on to its end.
    other.write_all(b" and the other half")?;
    other.shutdown(std::net::Shutdown::Write)?;
    let mut told = String::new();
    other.read_to_string(&mut told)?;
    ensure!(
        told == ecluse_tests::payload::digest(b"half and the other half"),
        "{told}"
    );
    // And nothing new goes by the lost one.
    ensure!(drains(&mut connect(echo)?)? == 0);
    let log = fs::read_to_string(ecluse_tests::target::sshd::log(ground.site.layout()))?;
    ensure!(!log.contains("error:"), "{log}");
    Ok(())
}
