//! An auditor finds a moment in what was recorded, and lands on it. R9, R10; C4 for what a client keeps to itself.

use std::fs;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use ecluse_tests::{Site, Terminal, keys, recording, store, wait};

const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "Correct-Horse-9";

/// A site whose client wants what screens showed to be searchable, or does not.
fn site(screen_text: bool) -> Result<Site> {
    let site = Site::start_with(|plan| {
        plan.documents.client_tail = format!("\n[search]\nscreen-text = {screen_text}\n");
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// What alice does in a shell: a report she pages through, a command, a password, and the next screen.
fn work(site: &Site) -> Result<()> {
    let terminal = Terminal::of(site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("printf 'patient %s\\n' Durand Lefèvre")?;
    terminal.sees("\npatient Lefèvre")?;
    terminal.enters("read -s -p 'Password: ' secret; echo; echo length=${#secret}")?;
    terminal.sees("\nPassword:")?;
    terminal.enters(PASSWORD)?;
    terminal.sees("length=15")?;
    terminal.enters("clear; seq 1000 1100")?;
    terminal.sees("\n1100")?;
    terminal.enters("exit")?;
    terminal.ends()?;
    site.ssh("alice+db01")
        .run("echo dumped-by-command; id -u")
        .answer()?
        .success()?;
    Ok(())
}

fn search(site: &Site, words: &[&str]) -> Result<String> {
    let words: Vec<&str> = ["search"].iter().chain(words).copied().collect();
    Ok(site.auditor(&words)?.success()?.text())
}

/// Waits until a search finds something: recordings are sealed behind the sessions.
fn found(site: &Site, words: &[&str]) -> Result<String> {
    wait::until_sealed(&format!("{words:?} to be found"), || {
        let text = search(site, words)?;
        Ok(text.contains("replay ").then_some(text))
    })
}

/// The command that a hit ends with.
fn command_of(hits: &str) -> Result<String> {
    hits.lines()
        .map(str::trim)
        .find(|line| line.starts_with("replay "))
        .map(str::to_owned)
        .with_context(|| format!("no command in:\n{hits}"))
}

/// What is drawn first on the auditor's screen when they type what a hit told them to. What is sent is looked at, not a picture of
/// it now and then: a busy machine looks too late.
fn lands(site: &Site, command: &str, word: &str) -> Result<()> {
    let ssh = site.ssh("aurele").shared("aurele").flag("-tt");
    let mut running = ssh.run(format!("{command} --speed 0.1")).spawn()?;
    let mut stdout = running.child.stdout.take().context("no stdout")?;
    let drawn = Arc::new(Mutex::new(Vec::new()));
    let sent = Arc::clone(&drawn);
    let reader = thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stdout.read(&mut piece) {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.extend_from_slice(piece.get(..read).unwrap_or_default());
        }
    });
    let found = wait::until_true(&format!("{word:?} to be drawn"), PATIENCE, || {
        let drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(String::from_utf8_lossy(&drawn).contains(word))
    });
    running.child.kill()?;
    running.child.wait()?;
    reader.join().map_err(|_| anyhow!("the reader panicked"))?;
    found.with_context(|| {
        let drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{command}: {:?}", String::from_utf8_lossy(&drawn))
    })
}

#[test]
fn a_moment_is_found_by_what_was_typed_run_or_shown() -> Result<()> {
    let site = site(true)?;
    work(&site)?;
    // Letter case and accents make no difference; the latest recording is sealed last.
    let command = found(&site, &["DUMPED-by", "--in", "command"])?;
    ensure!(
        command.contains("«dumped-by»") && command.contains("alice"),
        "{command}"
    );
    let screen = found(&site, &["patient lefevre", "--in", "screen"])?;
    ensure!(screen.contains("«patient Lefèvre»"), "{screen}");
    // Behind a letter that is more than a byte the cursor is placed anew.
    lands(&site, &command_of(&screen)?, "Lefè")?;
    // What scrolled off is found as what stands there at the end.
    let early = found(&site, &["1003", "--in", "screen"])?;
    ensure!(command_of(&early)?.contains("--channel 1 --at "), "{early}");
    let typed = found(&site, &["printf", "--in", "typed"])?;
    lands(&site, &command_of(&typed)?, "printf")?;
    let session = command_of(&typed)?
        .split(' ')
        .nth(1)
        .context("no number")?
        .to_owned();
    lands(
        &site,
        &format!("replay {session} --find \"patient Durand\""),
        "Durand",
    )?;
    Ok(())
}

#[test]
fn filters_narrow_a_search() -> Result<()> {
    let site = site(true)?;
    work(&site)?;
    found(&site, &["dumped-by", "--in", "command"])?;
    found(&site, &["lefèvre"])?;
    let hits = |words: &[&str]| -> Result<bool> {
        let text = search(&site, words)?;
        let hit = text.contains("replay ");
        ensure!(hit != text.contains("Nothing found"), "{words:?}: {text}");
        Ok(hit)
    };
    for words in [
        ["lefèvre", "--person", "alice"],
        ["lefèvre", "--target", "db01"],
        ["lefèvre", "--intervention", "1"],
        ["lefèvre", "--since", "1h"],
    ] {
        ensure!(hits(&words)?, "{words:?}");
    }
    for words in [
        ["lefèvre", "--person", "bruno"],
        ["lefèvre", "--target", "web01"],
        ["lefèvre", "--until", "1h"],
        ["lefèvre", "--in", "refusal"],
    ] {
        ensure!(!hits(&words)?, "{words:?}");
    }
    // Without words, sessions are listed.
    ensure!(search(&site, &["--person", "alice"])?.contains("alice"));
    ensure!(search(&site, &["--person", "bruno"])?.contains("No recording"));
    for (words, told) in [
        (&["a"][..], "at least one word of 2 letters"),
        (
            &["lefèvre", "--intervention", "999"],
            "There is no intervention #999",
        ),
        (&["word", "--in", "dreams"], "dreams"),
        (&["--in", "screen"], "Say which words to look for"),
    ] {
        let words: Vec<&str> = ["search"].iter().chain(words).copied().collect();
        let answer = site.auditor(&words)?;
        ensure!(
            matches!(answer.status, Some(1 | 2)) && answer.errors.contains(told),
            "{words:?}: {answer:?}"
        );
    }
    Ok(())
}

#[test]
fn a_password_is_found_nowhere() -> Result<()> {
    let site = site(true)?;
    work(&site)?;
    found(&site, &["length=15"])?;
    for words in [&["Correct-Horse"][..], &["horse"], &[PASSWORD]] {
        let text = search(&site, words)?;
        ensure!(text.contains("Nothing found"), "{words:?}: {text}");
    }
    Ok(())
}

/// Screen text is searchable where the client said so; what was typed and run, always.
#[test]
fn without_the_clients_word_screens_are_not_searched() -> Result<()> {
    let site = site(false)?;
    work(&site)?;
    found(&site, &["dumped-by-command"])?;
    found(&site, &["Durand", "--in", "typed"])?;
    // Nobody takes it for an answer about what was on screens.
    for words in [
        &["patient Lefèvre"][..],
        &["length=15"],
        &["lefèvre", "--in", "screen"],
    ] {
        let text = search(&site, words)?;
        ensure!(
            text.contains("Nothing found in what can be searched")
                && text.contains("What was on screens is not searchable"),
            "{words:?}: {text}"
        );
    }
    let text = search(&site, &["nowhere", "--in", "typed"])?;
    ensure!(
        text.contains("Nothing found.") && !text.contains("screens"),
        "{text}"
    );
    Ok(())
}

/// R10: recordings from before the client asked for it have no screen text: how many and which is said, and silence about
/// their screens is no answer.
#[test]
fn r10_recordings_without_screen_text_are_named() -> Result<()> {
    let mut site = site(false)?;
    work(&site)?;
    recording::wait_for_casts(&site.layout().recordings(), 3)?;
    found(&site, &["dumped-by-command"])?;
    site.apply(|documents| {
        documents.client_tail = "\n[search]\nscreen-text = true\n".to_owned();
        Ok(())
    })?;
    wait::until_true("the documents to be in force", PATIENCE, || {
        let log = site.process()?.errors();
        Ok(log.matches("new documents are in force").count() == 1)
    })?;
    let text = search(&site, &["length=15"])?;
    ensure!(
        text.contains("Nothing found in what can be searched")
            && text.contains("3 recordings have no screen text")
            && text.contains(": 1, 2, 3."),
        "{text}"
    );
    // Who asks for no screens misses none.
    let text = search(&site, &["nowhere", "--in", "typed"])?;
    ensure!(!text.contains("no screen text"), "{text}");
    Ok(())
}

/// Words of two letters are looked for, though no filter knows them.
#[test]
fn words_of_two_letters_are_found() -> Result<()> {
    let site = site(true)?;
    site.proven("alice", "db01")?;
    site.ssh("alice+db01")
        .run("rm -f /nowhere/at-all")
        .answer()?;
    found(&site, &["nowhere/at-all"])?;
    for words in [&["rm"][..], &["rm", "-f"], &["RM"]] {
        let text = search(&site, words)?;
        ensure!(text.contains("/nowhere/at-all"), "{words:?}: {text}");
    }
    let nothing = search(&site, &["zq"])?;
    ensure!(nothing.contains("Nothing found."), "{nothing}");
    // Nor does that answer for what came without a terminal.
    ensure!(
        nothing.contains("on standard input without a terminal is never searched"),
        "{nothing}"
    );
    Ok(())
}

/// C4: of a client that alone has the keys to its recordings, the gateway finds sessions, and says that it cannot look into them.
#[test]
fn what_a_client_keeps_to_itself_is_not_searched_and_that_is_said() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents
            .recording_recipients
            .retain(|name| name != "gateway");
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    site.ssh("alice+db01")
        .run("echo kept-to-itself")
        .answer()?
        .success()?;
    let text = wait::until_sealed("the recordings to be counted", || {
        let text = search(&site, &["kept-to-itself"])?;
        Ok(text.contains("were not searched").then_some(text))
    })?;
    ensure!(
        text.contains("Nothing found") && !text.contains("replay "),
        "{text}"
    );
    ensure!(search(&site, &["--target", "db01"])?.contains("alice"));
    let told = site.gateway().run(["search", "reindex"], "")?;
    ensure!(told.contains("0 recordings can be searched now"), "{told}");
    Ok(())
}

/// Whoever holds the key decides who reads what was recorded: a new reader finds it, one that is left out does not any more.
#[test]
fn what_is_searched_follows_who_reads() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.documents
            .recording_recipients
            .retain(|name| name != "gateway");
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    wait::until_sealed("the recording to be counted", || {
        let text = search(&site, &["true"])?;
        Ok(text.contains("was not searched").then_some(()))
    })?;
    let number = ecluse_tests::lobby::first_row(&site.auditor(&["recordings"])?.success()?.text())?;
    let key = site.layout().recording_key().display().to_string();
    let rewrap = ["recordings", "rewrap", &number, "--key", &key];

    site.apply(|documents| {
        documents.recording_recipients.push("gateway".to_owned());
        Ok(())
    })?;
    // It may be in the middle of being sealed.
    wait::until_true("the recording to be sealed", PATIENCE, || {
        Ok(site.gateway().try_run(rewrap, "")?.status.success())
    })?;
    found(&site, &["true", "--in", "command"])?;
    site.gateway().run(["search", "reindex"], "")?;

    site.apply(|documents| {
        documents
            .recording_recipients
            .retain(|name| name != "gateway");
        Ok(())
    })?;
    site.gateway().run(rewrap, "")?;
    let text = search(&site, &["true"])?;
    ensure!(
        text.contains("Nothing found") && text.contains("was not searched"),
        "{text}"
    );
    // Who has the key is told with what it opens; nobody who has none is asked.
    let replay = site.auditor(&["replay", &number, "--text"])?;
    let told = replay
        .errors
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    ensure!(
        told.contains(&format!("ecluse export {number} --output evidence.tar"))
            && told.contains("ecluse recordings read recordings/… --key KEY --into plain")
            && !told.contains("Tell the gateway's administrator"),
        "{told}"
    );
    Ok(())
}

/// R9, O4: an auditor searches the recordings of their own client, and nobody else's; each search is on record.
#[test]
fn another_clients_auditor_finds_nothing() -> Result<()> {
    let site = Site::start_with(|plan| {
        let key = keys::pair(&plan.layout, "aurore")?;
        let text = format!(
            "[client]\nid = \"mairie\"\nname = \"Mairie\"\nlang = \"fr\"\n\n[[auditor]]\nid = \"aurore\"\nname = \"Aurore\"\nlang = \"en\"\nkeys = [\"{key}\"]\n"
        );
        let clients = plan.layout.config().join("clients");
        fs::create_dir_all(&clients)?;
        fs::write(clients.join("mairie.toml"), text)?;
        plan.enrolled.push("aurore".to_owned());
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    site.ssh("alice+db01")
        .run("echo for-hopital-only")
        .answer()?
        .success()?;
    found(&site, &["for-hopital-only"])?;
    let identity = format!("IdentityFile \"{}\"", site.layout().key("aurore").display());
    let search = |words: &str| {
        site.ssh("aurore")
            .option(&identity)
            .shared("aurore")
            .run(format!("search {words}"))
            .answer()
    };
    for words in ["for-hopital-only", "for-hopital-only --all"] {
        let text = search(words)?.success()?.text();
        ensure!(
            !text.contains("alice") && !text.contains("hopital") && !text.contains("not searched"),
            "{words}: {text}"
        );
    }
    // Whether anybody of that name works elsewhere is not told.
    for name in ["alice", "nobody-at-all"] {
        let told = search(&format!("--person {name}"))?;
        let words = format!("“{name}” is not known to mairie");
        ensure!(
            told.status == Some(1) && told.text().is_empty() && told.errors.contains(&words),
            "{told:?}"
        );
    }
    let searches = store::audit_of(&site, Some("mairie"), "search")?;
    let said: Vec<&str> = searches
        .iter()
        .filter(|search| search["person"] == "aurore" && search["verdict"] == "permit")
        .filter_map(|search| search["detail"]["words"].as_str())
        .collect();
    ensure!(
        said == ["for-hopital-only", "for-hopital-only"],
        "each search is on record: {searches:?}"
    );
    let theirs = store::audit_of(&site, Some("hopital"), "search")?;
    ensure!(
        !theirs.is_empty() && theirs.iter().all(|search| search["person"] == "aurele"),
        "{theirs:?}"
    );
    Ok(())
}
