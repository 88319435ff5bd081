//! What is recorded, how it is read, and what happens when it cannot be recorded. R1, R2, R9 to R11, invariants 3 and 8.

use std::fs;
use std::io::Read;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use ecluse_tests::{Site, Terminal, disk, peers, recording};
use totp_rs::Secret;

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    Ok(site)
}

/// The number of the newest recording that the auditor sees.
fn newest(site: &Site) -> Result<String> {
    let listed = site.auditor(&["recordings"])?.success()?.text();
    ecluse_tests::lobby::first_row(&listed)
}

#[test]
fn a_command_is_recorded_with_its_input_and_output() -> Result<()> {
    let site = open_site()?;
    site.ssh("alice+db01")
        .run("echo first; tr a-z A-Z; echo problem >&2")
        .answer_to("typed in\n")?
        .success()?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let cast = casts.first().context("no cast")?;
    let output = recording::output(cast)?;
    for text in ["first", "TYPED IN", "problem"] {
        ensure!(
            output.contains(text),
            "{text:?} is not recorded in {output:?}"
        );
    }
    ensure!(
        recording::input(cast)?.contains("typed in"),
        "the input is not recorded"
    );
    Ok(())
}

#[test]
fn a_shell_is_recorded_with_its_sizes() -> Result<()> {
    let site = open_site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("echo seen-on-screen")?;
    terminal.sees("\nseen-on-screen")?;
    terminal.resizes(101, 41)?;
    terminal.enters("for try in $(seq 100); do [ \"$(stty size)\" = '41 101' ] && break; sleep 0.05; done; echo resized")?;
    terminal.sees("\nresized")?;
    terminal.enters("exit")?;
    terminal.ends()?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let events = recording::events(casts.first().context("no cast")?)?;
    ensure!(
        events
            .iter()
            .any(|event| event.kind == "r" && event.text == "101x41"),
        "the new size is not recorded"
    );
    ensure!(recording::output(casts.first().context("no cast")?)?.contains("seen-on-screen"));
    ensure!(
        events
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.seconds <= b.seconds)),
        "time goes backwards"
    );
    Ok(())
}

#[test]
fn bytes_that_are_no_text_are_kept_as_they_are() -> Result<()> {
    let site = open_site()?;
    let every: Vec<u8> = (0..=255).cycle().take(50_000).collect();
    site.ssh("alice+db01")
        .run("cat")
        .answer_to(every.clone())?
        .success()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let raw = recording::sealed(&site.layout().recordings(), ".raw")?;
    let mut exact = 0;
    for file in &raw {
        exact += usize::from(recording::plain(file)? == every);
    }
    ensure!(
        exact == 2,
        "{exact} exact streams among {raw:?}; wanted input and output"
    );
    Ok(())
}

/// R1: what the gateway's two sides counted is what is recorded, whichever way it went.
#[test]
fn the_manifest_vouches_that_all_that_passed_is_recorded() -> Result<()> {
    let site = open_site()?;
    let sent = vec![7_u8; 300_000];
    site.ssh("alice+db01")
        .run("cat; echo problem >&2")
        .answer_to(sent)?
        .success()?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let manifest = casts
        .first()
        .context("no cast")?
        .with_file_name("manifest.json");
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest)?)?;
    let channel = manifest.pointer("/channels/0").context("no channel")?;
    let count = |path: &str| channel.pointer(path).and_then(serde_json::Value::as_u64);
    for (path, expected) in [
        ("/recorded/input", 300_000),
        ("/recorded/output", 300_000),
        ("/recorded/error-output", 8),
        ("/legs/from-technician", 300_000),
        ("/legs/to-target", 300_000),
        ("/legs/from-target", 300_008),
        ("/legs/to-technician", 300_008),
    ] {
        ensure!(count(path) == Some(expected), "{path}: {channel}");
    }
    ensure!(channel.get("gap").is_none(), "{channel}");
    Ok(())
}

/// Invariant 8: the evidence is read without the gateway, in the players that people have.
#[test]
fn a_recording_plays_in_stock_asciinema() -> Result<()> {
    let site = open_site()?;
    site.ssh("alice+db01")
        .flag("-tt")
        .run("echo played-back")
        .answer()?
        .success()?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let cast = recording::unsealed(casts.first().context("no cast")?, site.layout().root())?;
    for player in peers::players()? {
        let terminal = Terminal::open(
            site.layout(),
            &[
                player.into(),
                "play".into(),
                "-s".into(),
                "100".into(),
                cast.clone().into(),
            ],
            &[("HOME".into(), site.layout().root().into())],
            100,
            30,
        )?;
        terminal.sees("played-back")?;
        ensure!(terminal.ends()? == 0);
    }
    Ok(())
}

#[test]
fn an_auditor_lists_and_replays() -> Result<()> {
    let site = open_site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("echo for-the-auditor")?;
    terminal.sees("\nfor-the-auditor")?;
    terminal.enters("exit")?;
    terminal.ends()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let listed = site.auditor(&["recordings"])?.success()?.text();
    ensure!(
        listed.contains("alice") && listed.contains("db01"),
        "{listed}"
    );
    let number = newest(&site)?;
    // As text where there is no terminal …
    let text = site.auditor(&["replay", &number])?.success()?.text();
    ensure!(text.contains("for-the-auditor"), "{text}");
    // … and as a picture that moves where there is one.
    let ssh = site
        .ssh("aurele")
        .shared("aurele")
        .run(format!("replay {number} --speed 20 --skip-idle 1s"));
    let replay = Terminal::of(&site, &ssh, 110, 40)?;
    replay.sees("for-the-auditor")?;
    replay.presses("q")?;
    replay.ends()?;
    Ok(())
}

#[test]
fn an_auditors_filters_choose_recordings() -> Result<()> {
    let site = open_site()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let shown = |words: &[&str]| -> Result<bool> {
        let text = site.auditor(words)?.success()?.text();
        ensure!(
            text.contains("alice") || text.contains("No recording matches"),
            "{text}"
        );
        Ok(text.contains("alice"))
    };
    ensure!(
        shown(&["recordings", "--person", "alice"])? && shown(&["recordings", "--target", "db01"])?
    );
    ensure!(!shown(&["recordings", "--target", "web01"])?);
    ensure!(!shown(&["recordings", "--person", "bruno"])?);
    for (id, told) in [
        ("999", "There is no recording"),
        ("0", "There is no recording"),
        ("-1", "-1"),
        ("x", "is not a number"),
        ("\u{1b}[2J", "is not a number"),
        ("99999999999999999999999", "99999999999999999999999"),
    ] {
        let answer = site.auditor(&["replay", id])?;
        ensure!(
            matches!(answer.status, Some(1 | 2))
                && answer.errors.contains(told)
                && !answer.errors.contains("\u{1b}[2J"),
            "{id:?}: {answer:?}"
        );
    }
    Ok(())
}

/// Input that the target does not echo is recorded, and masked in the replay.
#[test]
fn a_password_typed_at_a_prompt_is_masked_in_the_replay() -> Result<()> {
    let site = open_site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("read -s -p 'Password: ' secret; echo; echo length=${#secret}")?;
    terminal.sees("\nPassword:")?;
    terminal.enters("Correct-Horse-9")?;
    terminal.sees("length=15")?;
    terminal.enters("exit")?;
    terminal.ends()?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    // In the cast that anybody may play it is masked; in clear it lies in a file of its own.
    let cast = casts.first().context("no cast")?;
    ensure!(
        !recording::input(cast)?.contains("Correct-Horse-9"),
        "the password is in the cast"
    );
    let aside = recording::sealed(&site.layout().recordings(), ".unechoed.jsonl")?;
    let aside = String::from_utf8(recording::plain(
        aside.first().context("nothing was set aside")?,
    )?)?;
    ensure!(
        aside.contains("Correct-Horse-9"),
        "the input is not in the evidence: {aside}"
    );
    let replayed = site
        .auditor(&["replay", &newest(&site)?])?
        .success()?
        .text();
    ensure!(
        !replayed.contains("Correct-Horse-9"),
        "the password is replayed"
    );
    let unmasked = site.auditor(&["replay", &newest(&site)?, "--unmask"])?;
    let unmasked = unmasked
        .status_is(1)?
        .says(&["Masked input is not shown to you"])?;
    ensure!(!unmasked.text().contains("Correct-Horse-9"), "{unmasked:?}");
    Ok(())
}

/// R2: a full disk freezes the session, says so, and ends it. Needs a small file system, which only root can mount.
#[test]
fn a_full_disk_ends_the_session_and_loses_nothing_that_was_seen() -> Result<()> {
    disk::with_small(3, full_disk)
}

fn full_disk(small: &std::path::Path) -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.documents.settings.recordings = Some(small.display().to_string());
        plan.documents.settings.recording_lines = vec![
            "warn-below = \"0 B\"".to_owned(),
            "refuse-below = \"0 B\"".to_owned(),
            "reserve = \"0 B\"".to_owned(),
        ];
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    let answer = site
        .ssh("alice+db01")
        .run("n=0; while :; do n=$((n+1)); echo line $n; done")
        .patience(Duration::from_secs(90))
        .answer()?;
    ensure!(
        answer.status != Some(0) && !answer.output.is_empty(),
        "the session went on, or never began: {:?}",
        answer.status
    );
    let answer = answer.says(&["this session cannot be recorded, so it ends"])?;
    site.wait_for_target_sessions(0, Duration::from_secs(10))?;
    // No recording, no session: to the last byte, nothing begins.
    disk::fill_to_the_last(small)?;
    let next = site.ssh("alice+db01").run("echo unrecorded").answer()?;
    ensure!(
        next.status != Some(0) && next.output.is_empty(),
        "a session passed without a recording: {next:?}"
    );
    disk::free_again(small)?;
    // Room again: all that was seen is there.
    site.close()?;
    Command::new("mount")
        .args(["-o", "remount,size=200m"])
        .arg(small)
        .status()?;
    site.open()?;
    let casts = recording::wait_for_casts(small, 1)?;
    let mut found = false;
    for cast in casts {
        found |= recording::output(&cast)?
            .as_bytes()
            .starts_with(&answer.output);
    }
    ensure!(
        found,
        "the client saw {} bytes that no recording holds",
        answer.output.len()
    );
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn without_its_recordings_directory_nothing_passes() -> Result<()> {
    let site = open_site()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let recordings = site.layout().recordings();
    fs::rename(&recordings, recordings.with_extension("away"))?;
    fs::write(&recordings, "a file where a directory should be")?;
    let answer = site.ssh("alice+db01").run("echo unrecorded").answer()?;
    let answer = answer.refused(&["cannot be recorded"])?;
    ensure!(answer.output.is_empty(), "{answer:?}");
    fs::remove_file(&recordings)?;
    fs::rename(recordings.with_extension("away"), &recordings)?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn recordings_are_readable_by_the_gateway_alone() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let site = open_site()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let all = recording::files(&site.layout().data(), &|_| true)?;
    for needed in ["ecluse.db", "store.key", "manifest.json", ".cast.zst.age"] {
        let is_there = |file: &std::path::PathBuf| file.to_string_lossy().ends_with(needed);
        ensure!(all.iter().any(is_there), "no {needed} in {all:?}");
    }
    for file in all {
        let mode = fs::metadata(&file)?.permissions().mode() & 0o077;
        ensure!(
            mode == 0 || file.extension().is_some_and(|end| end == "pub"),
            "{} is open to others ({mode:o})",
            file.display()
        );
    }
    Ok(())
}

/// C2: no secret lies in the store or in a log in clear.
#[test]
fn secrets_at_rest_are_not_readable() -> Result<()> {
    let mut site = open_site()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let mut secrets = vec![site.secret("alice")?, site.secret("odile")?];
    let key = fs::read_to_string(site.layout().key(ecluse_tests::target::ACCOUNT_KEY))?;
    secrets.extend(
        key.lines()
            .filter(|line| !line.contains("PRIVATE KEY"))
            // The first two lines are the same for all keys, or public.
            .skip(2)
            .map(str::to_owned),
    );
    ensure!(
        secrets.len() > 3 && secrets.iter().all(|secret| secret.len() > 8),
        "{} secrets to look for",
        secrets.len()
    );
    // As they are written, and as the bytes that they stand for.
    let mut forms: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.clone().into()).collect();
    for person in ["alice", "odile"] {
        let secret = Secret::try_from_base32(site.secret(person)?.trim()).ok();
        forms.push(secret.context("no base32")?.as_ref().to_vec());
    }
    let body: String = key
        .lines()
        .filter(|line| !line.contains("PRIVATE KEY"))
        .collect();
    // At the end of an OpenSSH key of this kind: the seed, the public half again, the comment.
    let body = base64::engine::general_purpose::STANDARD.decode(body)?;
    let public = body
        .windows(4)
        .rposition(|bytes| bytes == [0, 0, 0, 64])
        .context("no private half")?;
    let seed = body.get(public + 4..public + 36).context("no seed")?;
    forms.push(seed.to_vec());
    site.close()?;
    let mut places = recording::files(&site.layout().data(), &|_| true)?;
    places.extend(recording::files(&site.layout().logs(), &|path| {
        path.to_string_lossy().contains("gateway")
    })?);
    for needed in ["ecluse.db", "gateway.err"] {
        let is_there = |file: &std::path::PathBuf| file.ends_with(needed);
        ensure!(places.iter().any(is_there), "no {needed} in {places:?}");
    }
    for place in places {
        let mut bytes = Vec::new();
        fs::File::open(&place)?.read_to_end(&mut bytes)?;
        for form in &forms {
            ensure!(
                !bytes.windows(form.len()).any(|window| window == form),
                "{} holds a secret in clear",
                place.display()
            );
        }
    }
    Ok(())
}
