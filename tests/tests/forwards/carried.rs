//! What is listed, by stock programs.

use std::io::{Read, Write};
use std::net::Shutdown;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{payload, recording, store, wait};

use super::{
    GREETING, Ground, PATIENCE, connect, echoes, free, log_ons, noise, recordings, said, socks,
};

/// F1: `ssh -L` to a listed port and to a listed socket, byte for byte both ways, also where the service speaks first and where
/// one side ends before the other; all by one connection to the target; each on record, in the recording and in the log.
#[test]
fn f1_what_is_listed_passes_byte_for_byte_and_is_on_record() -> Result<()> {
    let ground = Ground::start()?;
    let (echo, digest, socket) = (free()?, free()?, free()?);
    let places = &ground.places;
    let before = log_ons(&ground.site)?;
    let mut ssh = ground.ssh(
        &[
            "-L",
            // By the other name of the same place: there is one spelling.
            &format!("127.0.0.1:{echo}:localhost:{}", places.echo),
            "-L",
            &format!("127.0.0.1:{digest}:127.0.0.1:{}", places.digest),
            "-L",
            &format!("127.0.0.1:{socket}:{}", places.socket.display()),
        ],
        socket,
    )?;
    echoes(&connect(echo)?, &noise(5_000_000, 1))?;
    echoes(&connect(socket)?, &noise(300_000, 2))?;
    // It hears the end of what is sent and answers after that.
    let sent = noise(3_000_000, 3);
    let mut stream = connect(digest)?;
    stream.write_all(&sent)?;
    stream.shutdown(Shutdown::Write)?;
    let mut told = String::new();
    stream.read_to_string(&mut told)?;
    ensure!(told == payload::digest(&sent), "{told}");
    ensure!(
        log_ons(&ground.site)? == before + 1,
        "one connection for all"
    );
    // In the list of what is live while it is open.
    let mut open = connect(echo)?;
    let mut greeting = vec![0; GREETING.len()];
    open.read_exact(&mut greeting)?;
    let live = ground.site.operator(&["live"])?.text();
    ensure!(
        live.contains(&format!("forward: 127.0.0.1:{}", places.echo)),
        "{live}"
    );
    drop(open);
    let forwarded = wait::until("the forwards on record", PATIENCE, || {
        let all = store::audit(&ground.site, "forwarded")?;
        Ok((all.len() >= 4).then_some(all))
    })?;
    let first = forwarded.first().context("no entry")?;
    ensure!(
        first["detail"]["to"] == format!("forward: 127.0.0.1:{}", places.echo)
            && first["detail"]["to-target"] == 5_000_000
            && first["detail"]["to-technician"] == 5_000_000 + GREETING.len()
            && first["detail"]["outcome"] == "ended",
        "{first}"
    );
    ssh.child.kill()?;
    let outputs = wait::until("the recordings", PATIENCE, || {
        let all = recordings(&ground.site, "-forward.output.raw")?;
        Ok((all.len() >= 3).then_some(all))
    })?;
    let inputs = recordings(&ground.site, "-forward.input.raw")?;
    let plain = |all: &[std::path::PathBuf]| -> Result<Vec<Vec<u8>>> {
        all.iter().map(|one| recording::plain(one)).collect()
    };
    let (outputs, inputs) = (plain(&outputs)?, plain(&inputs)?);
    ensure!(outputs.contains(&[GREETING, &noise(5_000_000, 1)[..]].concat()));
    ensure!(inputs.contains(&noise(5_000_000, 1)) && inputs.contains(&sent));
    Ok(())
}

/// F1: `ssh -W` is a session of its own, and fits as a proxy of another program.
#[test]
fn f1_a_single_connection_is_a_session() -> Result<()> {
    let ground = Ground::start()?;
    let place = format!("127.0.0.1:{}", ground.places.digest);
    let sent = noise(200_000, 4);
    let answer = ground
        .site
        .ssh("alice+db01")
        .flag("-W")
        .flag(&place)
        .answer_to(sent.clone())?;
    ensure!(answer.text() == payload::digest(&sent), "{answer:?}");
    ensure!(said(&answer).is_empty(), "{answer:?}");
    let starts = store::audit(&ground.site, "session-start")?;
    ensure!(
        starts.len() == 2,
        "the log-on of the site, and this: {starts:?}"
    );
    Ok(())
}

/// Fifty connections at once through `ssh -D`, with a target that lets ten be logging on.
#[test]
fn fifty_at_once_by_one_log_on() -> Result<()> {
    let mut ground = Ground::start()?;
    let more = ecluse_tests::target::sshd::more(ground.site.layout());
    std::fs::write(more, "MaxStartups 10:30:100\nMaxSessions 10\n")?;
    ground.site.restart_target(true)?;
    let proxy = free()?;
    let _ssh = ground.ssh(&["-D", &format!("127.0.0.1:{proxy}")], proxy)?;
    let before = log_ons(&ground.site)?;
    let echo = ground.places.echo;
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..50u64)
            .map(|seed| {
                scope.spawn(move || {
                    let (answer, stream) = socks(proxy, "127.0.0.1", echo)?;
                    ensure!(answer == 0, "{answer}");
                    echoes(&stream, &noise(100_000, seed))
                })
            })
            .collect();
        for one in all {
            one.join().ok().context("one failed")??;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    ensure!(log_ons(&ground.site)? == before + 1);
    // Through the same, each that is not listed is refused, and the others go on.
    for (host, port) in [
        ("127.0.0.1", ground.places.other),
        ("localhost.localdomain", echo),
        ("127.1", echo),
        ("example.org", 443),
    ] {
        let (answer, _) = socks(proxy, host, port)?;
        ensure!(answer != 0, "{host}:{port} was reached");
    }
    let (answer, stream) = socks(proxy, "LOCALHOST.", echo)?;
    ensure!(answer == 0);
    echoes(&stream, b"on")
}

/// R10: an auditor finds connections by where they went, how much passed and how they ended, in their language; no command is one,
/// and what reached nothing is found too.
#[test]
fn r10_forwards_are_found_by_place_way_and_size() -> Result<()> {
    let ground = Ground::start()?;
    let (echo, digest) = (free()?, free()?);
    let places = &ground.places;
    let mut ssh = ground.ssh(
        &[
            "-L",
            &format!("127.0.0.1:{echo}:127.0.0.1:{}", places.echo),
            "-L",
            &format!("127.0.0.1:{digest}:127.0.0.1:{}", places.digest),
        ],
        digest,
    )?;
    echoes(&connect(echo)?, &noise(2_000_000, 1))?;
    // It sends little back.
    let mut stream = connect(digest)?;
    stream.write_all(&noise(300_000, 2))?;
    stream.shutdown(Shutdown::Write)?;
    let mut told = String::new();
    stream.read_to_string(&mut told)?;
    drop(stream);
    wait::until("both on record", PATIENCE, || {
        let all = store::audit(&ground.site, "forwarded")?;
        Ok((all.len() >= 2).then_some(()))
    })?;
    ssh.child.kill()?;
    let search = |words: &[&str]| -> Result<String> {
        let words: Vec<&str> = ["search"].iter().chain(words).copied().collect();
        let text = ground.site.auditor(&words)?.success()?.text();
        let text = text.replace(['«', '»'], "");
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let place = |port: u16| format!("forward: 127.0.0.1:{port} ·");
    let (large, small) = (place(places.echo), place(places.digest));
    wait::until_sealed("the forwards to be found", || {
        Ok(search(&["--in", "forward"])?.contains(&large).then_some(()))
    })?;
    let port = places.echo.to_string();
    let down = 2_000_000 + GREETING.len();
    for (words, hits, misses) in [
        (&["--in", "forward"][..], &[&large, &small][..], &[][..]),
        (&[port.as_str(), "--in", "forward"], &[&large], &[&small]),
        (&["--larger", "1MiB"], &[&large], &[&small]),
        (
            &["--in", "forward", "--way", "out", "--larger", "1KiB"],
            &[&large],
            &[&small],
        ),
        (
            &["--in", "forward", "--way", "in", "--larger", "100KiB"],
            &[&large, &small],
            &[],
        ),
        (&[port.as_str(), "--in", "command"], &[], &[&large, &small]),
        (&["--in", "file"], &[], &[&large, &small]),
    ] {
        let text = search(words)?;
        ensure!(
            hits.iter().all(|hit| text.contains(*hit)),
            "{words:?}: {text}"
        );
        ensure!(
            !misses.iter().any(|miss| text.contains(*miss)),
            "{words:?}: {text}"
        );
    }
    let text = search(&["--in", "forward"])?;
    ensure!(
        text.contains(&format!("{large} ↑ 2000000 bytes · ↓ {down} bytes ·"))
            && text.contains("s · ended")
            && text.contains("· forward "),
        "{text}"
    );
    Ok(())
}
