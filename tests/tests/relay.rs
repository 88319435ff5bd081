//! Much data, slow peers, both directions at once: every byte arrives, memory stays bounded, nothing waits for ever.
//!
//! Invariants 3 and 9; PEERS conformance 5, 7 to 9. `ECLUSE_TEST_MIB` sets the size in MiB (256).

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::payload::{Kind, Payload, copy_with_digest, digest_of};
use ecluse_tests::{Site, Ssh};

const PATIENCE: Duration = Duration::from_secs(400);

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    Ok(site)
}

fn mebibytes() -> u64 {
    std::env::var("ECLUSE_TEST_MIB")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(256)
}

fn ssh(site: &Site, command: &str) -> Ssh {
    // Kept apart from what other tests measure, and never at a loss for time.
    site.ssh("alice+db01").run(command).patience(PATIENCE)
}

/// Sends `payload` and reads all that comes back at the same time: the digests and lengths of both.
fn exchange(client: &Ssh, payload: Payload) -> Result<(String, String, u64)> {
    let mut running: Running = client.spawn()?;
    let stdin = running.child.stdin.take().context("no stdin")?;
    let stdout = running.child.stdout.take().context("no stdout")?;
    let sending = thread::spawn(move || copy_with_digest(payload, stdin));
    let (received, length) = digest_of(stdout)?;
    let sent = sending
        .join()
        .map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    running.answer()?.success()?;
    Ok((sent, received, length))
}

/// The same from `count` clients like this one at once, `length` bytes each; all that was sent must come back.
fn exchange_at_once(count: u64, client: &Ssh, kind: Kind, length: u64) -> Result<()> {
    let mut working = Vec::new();
    for seed in 0..count {
        let client = client.clone();
        working.push(thread::spawn(move || {
            exchange(&client, Payload::new(kind, length, seed))
        }));
    }
    for worker in working {
        let (sent, received, count) = worker
            .join()
            .map_err(|_| anyhow::anyhow!("a client panicked"))??;
        ensure!(
            count == length && sent == received,
            "{count} of {length} bytes came back, or others"
        );
    }
    Ok(())
}

#[test]
fn a_large_download_is_exact() -> Result<()> {
    let site = open_site()?;
    let length = mebibytes() << 20;
    let file = site.layout().target_home().join("large");
    let wanted = copy_with_digest(
        Payload::new(Kind::Noise, length, 1),
        std::fs::File::create(&file)?,
    )?;
    let mut running = ssh(&site, "cat large").spawn()?;
    let (received, count) = digest_of(running.child.stdout.take().context("no stdout")?)?;
    running.answer()?.success()?;
    ensure!(
        count == length && received == wanted,
        "{count} of {length} bytes, or others"
    );
    Ok(())
}

#[test]
fn a_large_upload_is_exact() -> Result<()> {
    let site = open_site()?;
    let length = mebibytes() << 20;
    let mut running = ssh(&site, "sha256sum").spawn()?;
    let sent = copy_with_digest(
        Payload::new(Kind::Noise, length, 2),
        running.child.stdin.take().context("no stdin")?,
    )?;
    let answer = running.answer()?.success()?;
    ensure!(
        answer.text().starts_with(&sent),
        "other bytes arrived: {}",
        answer.text()
    );
    Ok(())
}

/// A naive relay deadlocks here.
#[test]
fn both_directions_at_once_are_exact() -> Result<()> {
    let site = open_site()?;
    let length = mebibytes() << 20;
    let (sent, received, count) =
        exchange(&ssh(&site, "cat"), Payload::new(Kind::Noise, length, 3))?;
    ensure!(
        count == length && sent == received,
        "{count} of {length} bytes came back, or others"
    );
    Ok(())
}

#[test]
fn four_full_channels_at_once_are_exact() -> Result<()> {
    let site = open_site()?;
    ssh(&site, "true").shared("bulk").answer()?.success()?;
    let length = mebibytes() << 18;
    exchange_at_once(4, &ssh(&site, "cat").shared("bulk"), Kind::Log, length)
}

#[test]
fn a_hundred_channels_work_side_by_side() -> Result<()> {
    let site = open_site()?;
    ssh(&site, "true").shared("hundred").answer()?.success()?;
    let length = 1 << 20;
    exchange_at_once(
        100,
        &ssh(&site, "cat").shared("hundred"),
        Kind::Noise,
        length,
    )
}

/// A reader that stops for a minute costs at most 16 MiB, and gets every byte when it goes on.
#[test]
fn a_reader_that_stalls_costs_no_memory() -> Result<()> {
    let mut site = open_site()?;
    ssh(&site, "true").answer()?.success()?;
    let length = mebibytes() << 20;
    let file = site.layout().target_home().join("large");
    let wanted = copy_with_digest(
        Payload::new(Kind::Noise, length, 4),
        std::fs::File::create(&file)?,
    )?;
    let mut running = ssh(&site, "cat large").spawn()?;
    let mut stdout = running.child.stdout.take().context("no stdout")?;
    let mut first = vec![0_u8; 1 << 20];
    stdout.read_exact(&mut first)?;
    let before = site.process()?.usage()?.memory;
    let worst = growth_during(&mut site, before, Duration::from_secs(stall_seconds()))?;
    ensure!(
        worst <= 16 << 20,
        "a stalled reader costs {} KiB",
        worst >> 10
    );
    let (received, count) = digest_of(first.as_slice().chain(stdout))?;
    running.answer()?.success()?;
    ensure!(
        count == length && received == wanted,
        "{count} of {length} bytes, or others"
    );
    Ok(())
}

/// A target that stops reading costs at most 16 MiB, and the other channels of the connection keep their pace.
#[test]
fn a_target_that_stalls_costs_no_memory_and_slows_no_other_channel() -> Result<()> {
    let mut site = open_site()?;
    ssh(&site, "true").shared("stall").answer()?.success()?;
    let gate = site.layout().target_home().join("gate");
    let mut running = ssh(&site, "while [ ! -e gate ]; do sleep 0.1; done; sha256sum")
        .shared("stall")
        .spawn()?;
    let stdin = running.child.stdin.take().context("no stdin")?;
    let length = mebibytes() << 20;
    let before = site.process()?.usage()?.memory;
    let sending =
        thread::spawn(move || copy_with_digest(Payload::new(Kind::Noise, length, 5), stdin));
    let worst = growth_during(&mut site, before, Duration::from_secs(5))?;
    // Another channel of the same connection, while the first stands still.
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let began = Instant::now();
        ssh(&site, "echo pace")
            .shared("stall")
            .answer()?
            .success()?;
        slowest = slowest.max(began.elapsed());
    }
    std::fs::write(&gate, "")?;
    let sent = sending
        .join()
        .map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    let answer = running.answer()?.success()?;
    ensure!(answer.text().starts_with(&sent), "other bytes arrived");
    ensure!(
        worst <= 16 << 20,
        "a stalled target costs {} KiB",
        worst >> 10
    );
    ensure!(
        slowest < Duration::from_secs(3),
        "another channel waited {slowest:?}"
    );
    Ok(())
}

/// Full duplex with a command that answers far more than it gets.
#[test]
fn a_target_that_answers_a_hundredfold_is_exact() -> Result<()> {
    let site = open_site()?;
    let lines = 20_000_u64;
    let input: Vec<u8> = (0..lines)
        .flat_map(|n| format!("{n}\n").into_bytes())
        .collect();
    let mut running = ssh(
        &site,
        "while read n; do printf '%s:%01000d\\n' \"$n\" 0; done",
    )
    .spawn()?;
    let mut stdin = running.child.stdin.take().context("no stdin")?;
    let sending = thread::spawn(move || stdin.write_all(&input));
    let (_, count) = digest_of(running.child.stdout.take().context("no stdout")?)?;
    let _ = sending.join();
    running.answer()?.success()?;
    let wanted: u64 = (0..lines)
        .map(|n| u64::try_from(n.to_string().len()).unwrap_or(0) + 1_002)
        .sum();
    ensure!(count == wanted, "{count} of {wanted} bytes");
    Ok(())
}

/// PEERS conformance 7: keys are renewed while data flows.
#[test]
fn renewing_keys_midway_loses_nothing() -> Result<()> {
    let site = open_site()?;
    let length = mebibytes() << 19;
    let client = ssh(&site, "cat").option("RekeyLimit 8M");
    let (sent, received, count) = exchange(&client, Payload::new(Kind::Noise, length, 6))?;
    ensure!(
        count == length && sent == received,
        "{count} of {length} bytes came back, or others"
    );
    Ok(())
}

#[test]
fn every_cipher_offered_is_exact() -> Result<()> {
    let site = open_site()?;
    for (cipher, mac) in [
        ("aes256-gcm@openssh.com", "hmac-sha2-256"),
        ("aes128-gcm@openssh.com", "hmac-sha2-256"),
        ("chacha20-poly1305@openssh.com", "hmac-sha2-256"),
        ("aes256-ctr", "hmac-sha2-256-etm@openssh.com"),
        ("aes256-ctr", "hmac-sha2-512-etm@openssh.com"),
    ] {
        let client = ssh(&site, "cat")
            .option(&format!("Ciphers {cipher}"))
            .option(&format!("MACs {mac}"));
        let (sent, received, count) = exchange(&client, Payload::new(Kind::Noise, 4 << 20, 7))?;
        ensure!(
            count == 4 << 20 && sent == received,
            "{cipher}: {count} bytes came back, or others"
        );
    }
    Ok(())
}

/// PEERS conformance 8: after a slow transfer, Ctrl-C still works.
#[test]
fn a_client_that_leaves_midway_leaves_nothing_behind() -> Result<()> {
    let site = open_site()?;
    for _ in 0..10 {
        let mut running = ssh(&site, "yes").spawn()?;
        let mut first = vec![0_u8; 100_000];
        running
            .child
            .stdout
            .as_mut()
            .context("no stdout")?
            .read_exact(&mut first)?;
        drop(running);
    }
    site.wait_for_target_sessions(0, Duration::from_secs(60))?;
    Ok(())
}

/// The largest growth of the gateway over `before` while `duration` passes.
fn growth_during(site: &mut Site, before: u64, duration: Duration) -> Result<u64> {
    let deadline = Instant::now() + duration;
    let mut worst = 0;
    ecluse_tests::wait::until(
        "the stall to be over",
        duration + Duration::from_secs(5),
        || {
            worst = worst.max(site.process()?.usage()?.memory.saturating_sub(before));
            Ok((Instant::now() >= deadline).then_some(()))
        },
    )?;
    Ok(worst)
}

fn stall_seconds() -> u64 {
    std::env::var("ECLUSE_TEST_STALL")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60)
}
