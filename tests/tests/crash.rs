//! Invariant 3: `kill -9` at any instant leaves a recording that contains every byte the technician saw. R1, R2.
//!
//! `ECLUSE_TEST_KILLS` sets the number of instants (100).

use std::fs;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Running;
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{Site, Ssh, Terminal, recording, store};
use serde_json::Value;

fn kills() -> u64 {
    std::env::var("ECLUSE_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100)
}

/// Small numbers that differ from run to run; the seed is printed with a failure.
fn instants(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Reads what a command prints, on a thread of its own; returns once its first byte has come.
fn read_all(running: &mut Running) -> Result<thread::JoinHandle<Vec<u8>>> {
    let mut stdout = running.child.stdout.take().context("no stdout")?;
    let (started, wait_for_start) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || {
        let mut bytes = vec![0_u8; 1];
        if stdout.read_exact(&mut bytes).is_ok() {
            let _ = started.send(());
        }
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    wait_for_start
        .recv_timeout(Duration::from_secs(30))
        .context("no output came")?;
    Ok(reading)
}

/// One site, killed again and again while numbered lines flow; each time all that the client got must be in the recording.
#[test]
fn a_killed_gateway_has_recorded_all_that_was_seen() -> Result<()> {
    let seed = u64::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() & u128::from(u32::MAX),
    )?;
    let mut random = instants(seed);
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let recordings = site.layout().recordings();
    let mut seen_in_all = 0_usize;
    for round in 0..kills() {
        // Lines that tell the round, so that one recording cannot pass for another; slow and fast output in turn.
        let pause = if round % 4 == 0 { "sleep 0.001" } else { ":" };
        let command =
            format!("n=0; while :; do n=$((n+1)); echo round {round} line $n; {pause}; done");
        let mut running = site.ssh("alice+db01").run(command).spawn()?;
        let reading = read_all(&mut running)?;
        // The instant itself is what is random here; nothing is waited for.
        thread::sleep(Duration::from_micros(random() % 60_000));
        site.kill()?;
        running.child.kill()?;
        let seen = reading
            .join()
            .map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        seen_in_all += seen.len();
        site.open()?;
        let marker = format!("round {round} line 1\n");
        let recorded = recorded_output(&recordings, &marker)
            .with_context(|| format!("round {round}, seed {seed}"))?;
        ensure!(
            recorded.as_bytes().starts_with(&seen),
            "round {round}, seed {seed}: the client saw {} bytes, the recording holds {}",
            seen.len(),
            recorded.len()
        );
    }
    ensure!(seen_in_all > 0, "nothing was seen at all");
    Ok(())
}

/// The same for bytes that are no text, at full speed.
#[test]
fn a_killed_gateway_has_recorded_all_bytes_of_a_transfer() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let file = site.layout().target_home().join("noise");
    fs::write(&file, Payload::new(Kind::Noise, 64 << 20, 11).bytes())?;
    let whole = fs::read(&file)?;
    let mut random = instants(12);
    for round in 0..usize::try_from(kills().div_ceil(10))? {
        // From another byte on each time, so that one recording cannot pass for another.
        let from = round * 1_000;
        let mut running = site
            .ssh("alice+db01")
            .run(format!("tail -c +{} noise", from + 1))
            .spawn()?;
        let reading = read_all(&mut running)?;
        // The instant itself is what is random here; nothing is waited for.
        thread::sleep(Duration::from_micros(random() % 400_000));
        site.kill()?;
        running.child.kill()?;
        let seen = reading
            .join()
            .map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        site.open()?;
        ensure!(
            whole
                .get(from..)
                .is_some_and(|sent| sent.starts_with(&seen)),
            "the client saw other bytes"
        );
        ecluse_tests::wait::until_true(
            &format!("the {} bytes of round {round} in a recording", seen.len()),
            Duration::from_secs(120),
            || {
                let raw = recording::sealed(&site.layout().recordings(), ".output.raw")?;
                let newest = raw.last().map(|raw| recording::plain(raw)).transpose()?;
                Ok(newest.is_some_and(|recorded| recorded.starts_with(&seen)))
            },
        )?;
    }
    Ok(())
}

#[test]
fn a_recovered_recording_is_told_as_cut_short() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    site.crash_in_session("before the crash")?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    ensure!(recording::output(casts.first().context("no cast")?)?.contains("before the crash"));
    // The client's operators are told, once, of the stop and of whom it cut short; their counts begin after it.
    let prompt = || Terminal::of(&site, &site.ssh("odile"), 240, 40);
    let odile = prompt()?;
    odile.sees("It cut one session short: 1 (alice")?;
    ensure!(
        odile.screen()?.contains("The gateway stopped out of order"),
        "{}",
        odile.screen()?
    );
    site.ssh("alice+db01").run("true").answer()?.success()?;
    odile.sees("Session 2: alice is on db01")?;
    let screen = odile.sees("Session 2 of alice on db01 is over")?;
    ensure!(!screen.contains("Session 1"), "{screen}");
    odile.enters("exit")?;
    odile.ends()?;
    let odile = prompt()?;
    let screen = odile.sees("exit")?;
    ensure!(!screen.contains("out of order"), "{screen}");
    odile.enters("changes")?;
    odile.sees("It cut one session short: 1 (alice")?;
    odile.enters("exit")?;
    odile.ends()?;
    // No session is live, none is left open in the books, and the approval still holds.
    ensure!(
        ecluse_tests::lobby::first_row(&site.operator(&["live"])?.success()?.text()).is_err(),
        "a dead session is live"
    );
    let replayed = site.auditor(&["replay", "1"])?.success()?;
    ensure!(replayed.text().contains("before the crash"), "{replayed:?}");
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// R1, R9: a session that a killed gateway left open ended at its last frame, not when somebody started the gateway again;
/// the list, the entry and the manifest say the same, and that it was recovered.
#[test]
fn r1_a_recovered_session_ended_at_its_last_frame() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let mut running = site.ssh("alice+db01").run("echo up; sleep 1000").spawn()?;
    ensure!(running.first_line()? == "up");
    site.kill()?;
    let killed = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    running.child.kill()?;
    // Nobody runs it, and it has no end yet.
    let bundle = site.layout().root().join("dead.tar").display().to_string();
    for (line, said) in [
        (
            &["export", "1", "--output", &bundle][..],
            "its gateway did not run",
        ),
        (&["retention"], "its gateway does not run"),
    ] {
        let output = site.gateway().try_run(line, "")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        let alive = text.contains("still open") || text.contains(" live");
        ensure!(text.contains(said) && !alive, "{text}");
    }
    site.open()?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let manifest = casts.first().context("no cast")?;
    let manifest: Value =
        serde_json::from_slice(&fs::read(manifest.with_file_name("manifest.json"))?)?;
    let number = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_i64);
    let last = number("/facts/started")
        .zip(number("/ended-us"))
        .map(|(started, ended)| started + ended)
        .with_context(|| format!("{manifest}"))?;
    ensure!(
        last <= killed,
        "the last frame is of {last}, after the kill at {killed}"
    );
    let row = store::rows(&site, "SELECT ended_at, end_reason FROM sessions")?;
    let ended = row.pointer("/0/0").and_then(Value::as_i64);
    ensure!(ended == Some(last), "{row} is not of {last}");
    let ends = store::audit(&site, "session-end")?;
    let end = ends.first().context("no entry")?;
    let said = |pointer: &str| {
        end.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    ensure!(
        end.pointer("/detail/recovered") == Some(&Value::Bool(true))
            && said("/detail/ended-at").starts_with("20")
            && said("/reason").contains("its end is recovered"),
        "{end}"
    );
    let listed = site.auditor(&["recordings"])?.success()?.text();
    // Not more exactly than it is known: at least so long, until the next start at the latest.
    let said = ["\u{2265} ", "ended after ", "at the latest "];
    ensure!(said.iter().all(|said| listed.contains(said)), "{listed}");
    let verified = site
        .gateway()
        .try_run(["journal", "verify", "--contents"], "")?;
    ensure!(verified.status.success(), "{verified:?}");
    Ok(())
}

#[test]
fn a_stopped_gateway_closes_its_recordings_first() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo before the stop; sleep 1000")
        .spawn()?;
    running.first_line()?;
    site.close()?;
    let casts = recording::casts(&site.layout().recordings())?;
    ensure!(
        recording::output(casts.first().context("no cast after an orderly stop")?)?
            .contains("before the stop")
    );
    let live = recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("live.journal")
    })?;
    ensure!(live.is_empty(), "an orderly stop left {live:?}");
    running
        .answer()?
        .status_is(254)?
        .says(&["the gateway stops"])?;
    Ok(())
}

/// An orderly stop waits for nobody who has no session: not for a client at the code prompt, not for a stranger, not for who
/// looks on. Whoever can be told is told, and no terminal is left in a screen of the gateway's own.
#[test]
fn a_stop_waits_for_nobody_without_a_session_and_tells_everybody() -> Result<()> {
    let mut site = Site::start()?;
    let bruno = site.request("bruno", "db01")?;
    site.proven("alice", "db01")?;
    let working = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    working.sees_prompt()?;
    let id = site.live_session()?;

    let mut strangers = Vec::new();
    for said in ["", "SSH-2.0-stranger\r\n"] {
        let mut stranger = site.connect()?;
        stranger.write_all(said.as_bytes())?;
        strangers.push(stranger);
    }
    let at_the_code = |person: &str| {
        let ssh = site.ssh(person).option("LogLevel INFO").flag("-tt");
        let never = [("SSH_ASKPASS_REQUIRE".into(), "never".into())];
        Terminal::open(site.layout(), &ssh.arguments(), &never, 100, 30)
    };
    let code = at_the_code("aurele")?;
    code.sees("One-time code:")?;
    let open = |ssh: Ssh, until: &str| -> Result<Terminal> {
        let terminal = Terminal::of(&site, &ssh, 100, 30)?;
        terminal.sees(until)?;
        Ok(terminal)
    };
    let operator = || site.ssh("odile").shared("odile");
    let auditor = || site.ssh("aurele").shared("aurele");
    let told = [
        (
            "an operator at the prompt",
            open(operator(), "\u{e9}cluse>")?,
        ),
        (
            "an operator who watches",
            open(operator().run(format!("watch {id}")), "q leaves")?,
        ),
        ("an auditor at the prompt", open(auditor(), "\u{e9}cluse>")?),
        (
            "an auditor who replays",
            open(auditor().run(format!("replay {id}")), "q leaves")?,
        ),
        (
            "a technician in the dialogue",
            open(site.ssh("alice+web01"), "Why do you need to connect?")?,
        ),
        (
            "a technician who waits",
            open(site.ssh("bruno+db01"), &format!("#{bruno}"))?,
        ),
        ("a technician who works", working),
    ];
    site.close()?;
    let log = fs::read_to_string(site.layout().logs().join("gateway.err"))?;
    ensure!(!log.contains("did not end in time"), "{log}");
    for (who, terminal) in told {
        terminal.sees_that(&format!("the word for {who}"), |screen| {
            screen.contains("the gateway stops") || screen.contains("la passerelle s'arr\u{ea}te")
        })?;
        ensure!(terminal.ends()? == 254, "{who}: another status");
        ensure!(
            terminal.modes()? == "in order",
            "{who}: {}",
            terminal.modes()?
        );
    }
    code.enters("")?;
    code.sees("The gateway stops. Connect again later.")?;
    Ok(())
}

/// The output of the recording that holds `marker`; the newest recordings are looked at first.
fn recorded_output(recordings: &std::path::Path, marker: &str) -> Result<String> {
    ecluse_tests::wait::until("the recovered recording", Duration::from_secs(120), || {
        for cast in recording::casts(recordings)?.iter().rev() {
            let output = recording::output(cast)?;
            if output.contains(marker) {
                return Ok(Some(output));
            }
            // What was seen may be less than one line.
            if !output.is_empty() && marker.starts_with(&output) {
                return Ok(Some(output));
            }
        }
        Ok(None)
    })
}
