//! A side that stands still holds up nothing that the other sends, and is noticed when it is gone. F5.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::target::sshd;
use ecluse_tests::{Site, wait};

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// Writes 64 KiB again and again, telling how often in the file `progress`.
const WRITES: &str = "while head -c 65536 /dev/zero; do n=$((n+1)); echo $n > progress; done";

/// Waits until the target writes no more, because nobody reads it: a second without progress.
fn wait_until_held(progress: &Path) -> Result<()> {
    let (mut last, mut since) = (String::new(), Instant::now());
    wait::until_true("the target to be held", Duration::from_secs(60), || {
        let now = fs::read_to_string(progress).unwrap_or_default();
        if now != last || now.is_empty() {
            (last, since) = (now, Instant::now());
        }
        Ok(since.elapsed() >= Duration::from_secs(1))
    })
}

/// Reads the first byte of what the target writes, and nothing after it.
fn read_one(running: &mut Running) -> Result<()> {
    let stdout = running.child.stdout.as_mut().context("no stdout")?;
    stdout.read_exact(&mut [0])?;
    Ok(())
}

/// Ctrl-C ends a program that floods a terminal which is not read, as it does without a gateway.
#[test]
fn what_is_typed_arrives_while_the_output_is_not_read() -> Result<()> {
    let site = open_site()?;
    let home = site.layout().target_home();
    let mut running = site
        .ssh("alice+db01")
        .flag("-tt")
        .run(format!(
            "trap 'echo > interrupted; exit 9' INT; n=0; {WRITES}"
        ))
        .patience(Duration::from_secs(60))
        .spawn()?;
    read_one(&mut running)?;
    wait_until_held(&home.join("progress"))?;
    let stdin = running.child.stdin.as_mut().context("no stdin")?;
    stdin.write_all(b"\x03")?;
    stdin.flush()?;
    wait::until_true("the interrupt", Duration::from_secs(60), || {
        Ok(home.join("interrupted").exists())
    })?;
    // What was held is read after all, and how it ended.
    running.answer()?.status_is(9)?;
    Ok(())
}

/// More than the target's window, and the end of it: the adjustment of that window lies behind output that nobody reads.
#[test]
fn what_is_sent_arrives_while_the_output_is_not_read() -> Result<()> {
    let site = open_site()?;
    let home = site.layout().target_home();
    let mut running = site
        .ssh("alice+db01")
        .run(format!(
            "exec 3<&0; n=0; ({WRITES}) & cat <&3 | wc -c > taken; mv taken took; wait"
        ))
        .patience(Duration::from_secs(60))
        .spawn()?;
    read_one(&mut running)?;
    wait_until_held(&home.join("progress"))?;
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    let length = 7 << 19;
    let sending = thread::spawn(move || stdin.write_all(&vec![b'x'; length]));
    wait::until_true("the end of input", Duration::from_secs(60), || {
        Ok(home.join("took").exists())
    })?;
    let took = fs::read_to_string(home.join("took"))?;
    ensure!(took.trim() == length.to_string(), "{took} bytes arrived");
    sending
        .join()
        .map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    running.child.kill()?;
    site.wait_for_target_sessions(0, Duration::from_secs(30))?;
    Ok(())
}

/// A target that asks whether anybody is there, as sshd does where it is told to, waits for a reader who does not read.
#[test]
fn a_target_that_asks_for_signs_of_life_waits_for_its_reader() -> Result<()> {
    let mut site = open_site()?;
    std::fs::write(
        sshd::more(site.layout()),
        "ClientAliveInterval 6\nClientAliveCountMax 1\n",
    )?;
    site.restart_target(true)?;
    let mut running = site
        .ssh("alice+db01")
        .run("head -c 40000000 /dev/zero; echo end")
        .patience(Duration::from_secs(90))
        .spawn()?;
    // Once its input has ended nothing goes to the target by itself.
    drop(running.child.stdin.take());
    read_one(&mut running)?;
    // It would give up after twelve seconds without a sign.
    let unread = Instant::now() + Duration::from_secs(20);
    wait::until_true("the time to pass", Duration::from_secs(30), || {
        Ok(Instant::now() >= unread)
    })?;
    let answer = running.answer()?.success()?;
    ensure!(answer.output.len() == 40_000_003, "{}", answer.output.len());
    ensure!(answer.output.ends_with(b"end\n"));
    Ok(())
}

/// Channels of one connection: of four nothing is read, the others keep their pace.
#[test]
fn channels_that_are_not_read_slow_no_other() -> Result<()> {
    let site = open_site()?;
    let home = site.layout().target_home();
    let client = || site.ssh("alice+db01").shared("held");
    client().run("true").answer()?.success()?;
    let mut unread = Vec::new();
    for number in 0..4 {
        let place = format!("place{number}");
        let writes = format!("mkdir {place}; cd {place}; n=0; {WRITES}");
        let mut running = client().run(writes).spawn()?;
        read_one(&mut running)?;
        wait_until_held(&home.join(place).join("progress"))?;
        unread.push(running);
    }
    for _ in 0..5 {
        let began = Instant::now();
        let answer = client().run("cat").answer_to(vec![b'x'; 3 << 20])?;
        ensure!(answer.success()?.output.len() == 3 << 20);
        let took = began.elapsed();
        ensure!(took < Duration::from_secs(10), "it took {took:?}");
    }
    for mut running in unread {
        running.child.kill()?;
    }
    Ok(())
}

/// A client that is killed while the target takes nothing: its channel, the target's process and what was queued are gone
/// within seconds, not when the session ends.
#[test]
fn a_client_that_is_killed_is_noticed_while_the_target_takes_nothing() -> Result<()> {
    let site = open_site()?;
    let home = site.layout().target_home();
    let mut running = site
        .ssh("alice+db01")
        .run("echo > begun; exec sleep 1000")
        .spawn()?;
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    let sending = thread::spawn(move || stdin.write_all(&vec![b'x'; 64 << 20]));
    wait::until_true("the command", Duration::from_secs(60), || {
        Ok(home.join("begun").exists())
    })?;
    running.child.kill()?;
    let sent = sending
        .join()
        .map_err(|_| anyhow::anyhow!("the sender panicked"))?;
    ensure!(sent.is_err(), "all of it was taken");
    site.wait_for_target_sessions(0, Duration::from_secs(30))
}

/// F5: a target's machine that vanishes while nothing is sent is noticed, since it is asked whether it is there. The kernel does
/// it, and its table says so: the timer of an idle connection (2 is that of keepalives) runs, and ends within a minute.
#[test]
fn an_idle_target_is_asked_whether_it_is_there() -> Result<()> {
    let site = open_site()?;
    let mut running = site.ssh("alice+db01").run("echo on; cat").spawn()?;
    read_one(&mut running)?;
    let port = format!(":{:04X}", site.plan().ports.target);
    wait::until_true("the question", Duration::from_secs(60), || {
        let table = fs::read_to_string("/proc/net/tcp")?;
        Ok(table.lines().any(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [_, _, remote, state, _, timer, ..] = columns[..] else {
                return false;
            };
            let left = timer
                .strip_prefix("02:")
                .and_then(|left| u64::from_str_radix(left, 16).ok());
            // In hundredths of a second.
            remote.ends_with(&port) && state == "01" && left.is_some_and(|left| left <= 60 * 100)
        }))
    })?;
    drop(running.child.stdin.take());
    running.answer()?.status_is(0)?;
    Ok(())
}
