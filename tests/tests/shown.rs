//! What a technician was shown, typed unseen or was refused, an auditor finds and reads (R10, R11).

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Site, Terminal, store, wait};

/// A site whose client wants what screens showed to be searchable, and whose auditor may unmask.
fn site() -> Result<Site> {
    let site = Site::start_with(|plan| {
        plan.documents.client_tail = "\n[search]\nscreen-text = true\n".to_owned();
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    Ok(site)
}

fn search(site: &Site, words: &[&str]) -> Result<String> {
    let words: Vec<&str> = ["search"].iter().chain(words).copied().collect();
    Ok(site.auditor(&words)?.success()?.text())
}

/// The number of the recording in which something is found, once it is sealed.
fn found(site: &Site, words: &[&str]) -> Result<String> {
    wait::until_sealed(&format!("{words:?} to be found"), || {
        let text = search(site, words)?;
        let hit = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("replay "));
        Ok(hit.and_then(|hit| hit.split(' ').next()).map(str::to_owned))
    })
}

fn said(answer: &Answer) -> String {
    format!("{}{}", answer.text(), answer.errors)
}

fn replay(site: &Site, options: &[&str]) -> Result<String> {
    let words: Vec<&str> = ["replay"].iter().chain(options).copied().collect();
    Ok(site.auditor(&words)?.success()?.text())
}

/// A title without an end, NUL in every third byte, text erased after two seconds, a full-screen program: all of it was
/// to be seen, and all of it is found and printed.
#[test]
fn nobody_blanks_what_was_shown() -> Result<()> {
    let site = site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters(r"printf 'secret-%s' plan; sleep 2; printf '\r\033[K'; echo gone")?;
    terminal.sees("\ngone")?;
    terminal.enters(r"yes ab | head -n 200 | tr '\n' '\0'; echo; echo nul''led")?;
    terminal.sees("\nnulled")?;
    terminal.enters(
        r"printf '\033[?1049h\033[Hfull-%s' screen; sleep 1; printf '\033[?1049l'; echo; echo back",
    )?;
    terminal.sees("\nback")?;
    terminal.enters(r"printf '\033]0;a-%s\a' title; printf '\033[8mhidden-%s\033[0m\n' letters")?;
    terminal.enters(r"printf '\033]0;x\n'; seq 5000 5100; printf '\a'; exit")?;
    terminal.ends()?;
    let number = found(&site, &["5050", "--in", "screen"])?;
    for words in [
        "secret-plan",
        "full-screen",
        "a-title",
        "hidden-letters",
        "5099",
    ] {
        ensure!(
            found(&site, &[words, "--in", "screen"])? == number,
            "{words}"
        );
    }
    let text = replay(&site, &[&number])?;
    for line in [
        "secret-plan [until ",
        "[a full-screen program begins]",
        "full-screen [until ",
        "[not shown, title: a-title]",
        "[concealed: hidden-letters]",
        // Within a title that ends: a terminal hides all of it, and it is told.
        "␊5050␍",
        "│ nulled",
    ] {
        ensure!(text.contains(line), "{line}: {text}");
    }
    ensure!(!text.contains("ecluse:binary"), "{text}");
    // In the order of time.
    let times: Vec<&str> = text
        .lines()
        .filter(|line| line.contains('│') || line.contains('┊'))
        .filter_map(|line| line.split(' ').next())
        .collect();
    ensure!(times.len() > 8 && times.is_sorted(), "{text}");
    Ok(())
}

/// What was refused while the session was open is an event of it, whether it was asked for before the shell or after.
#[test]
fn a_refusal_is_found_and_stands_in_the_transcript() -> Result<()> {
    let site = site()?;
    site.ssh("alice+db01")
        .flag("-R")
        .flag("0:127.0.0.1:22")
        .run("echo worked")
        .answer()?;
    let number = found(&site, &["remote forward", "--in", "refusal"])?;
    let text = replay(&site, &[&number])?;
    ensure!(
        text.contains("[refused a remote forward from localhost:0"),
        "{text}"
    );
    ensure!(text.contains("out│ worked"), "{text}");
    // It is one hit, the one in its recording; and listed without a word.
    for words in [
        &["search", "remote forward", "--in", "refusal"][..],
        &["search", "--in", "refusal"],
    ] {
        let text = site.auditor(words)?.success()?.text();
        ensure!(
            text.matches(&format!("replay {number}")).count() == 1
                && text.contains("from localhost:0")
                && !text.contains("refused before")
                && !text.contains("refused on the connection"),
            "{words:?}: {text}"
        );
    }
    // One that came before any session stands in no recording, and is found all the same.
    site.ssh("alice+db01").flag("-s").run("netconf").answer()?;
    wait::until_sealed("a refusal without a session to be found", || {
        let text = search(&site, &["netconf", "--in", "refusal"])?;
        Ok(text.contains("before a session began").then_some(()))
    })?;
    // Why a session was asked for, and how it ended, are words to look for too.
    found(&site, &["ended: closed", "--in", "note"])?;
    Ok(())
}

/// Typing that no screen shows is counted where recordings are listed, told to the operator, and found by who may unmask.
#[test]
fn typing_that_is_not_shown_is_counted_told_and_found() -> Result<()> {
    let site = site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("stty -echo; PS1='> '")?;
    terminal.sees("\n> ")?;
    terminal.enters("true unseen-command; printf 'd%s\\n' one")?;
    terminal.sees("done")?;
    terminal.enters("exit")?;
    terminal.ends()?;
    let listed = wait::until_sealed("the count in the list", || {
        let text = site.auditor(&["recordings"])?.success()?.text();
        let row = text
            .lines()
            .find(|line| line.contains("postgres@db01") || line.contains("@db01"));
        let row = row.context("no recording")?.to_owned();
        Ok(row
            .split_whitespace()
            // Behind the number of the session, which is 2 as well.
            .skip(1)
            .any(|word| word == "2")
            .then_some(row))
    })?;
    ensure!(listed.contains("alice"), "{listed}");
    let told = site.operator(&["pending"])?.text();
    let said = told.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        said.contains("typed 2 lines in session 2 on db01 whose echo was not recognised")
            && said.contains("a full-screen program may be the reason"),
        "{told}"
    );
    // Nobody without the right finds it, whatever they ask for.
    let nothing = search(&site, &["unseen-command"])?;
    let said = nothing.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        said.contains("Nothing found in what can be searched")
            && said.contains("whose echo was not recognised; they were not looked through: ")
            && said.contains("--in hidden"),
        "{nothing}"
    );
    let hidden = ["search", "unseen-command", "--in", "hidden"];
    let refused = site.auditor(&hidden)?;
    ensure!(refused.status != Some(0), "{refused:?}");
    ensure!(!refused.text().contains("replay "), "{refused:?}");
    // Whom the client lets unmask, does; on record.
    let document = site.layout().config().join("clients/hopital.toml");
    let granted = std::fs::read_to_string(&document)?
        .replace("id = \"aurele\"\n", "id = \"aurele\"\nunmask = true\n");
    std::fs::write(&document, granted)?;
    let config = site.layout().config().display().to_string();
    site.gateway().run(["apply", &config], "")?;
    let clear = wait::until_sealed("the right to be in force", || {
        let answer = site.auditor(&hidden)?;
        Ok((answer.status == Some(0)).then(|| answer.text()))
    })?;
    ensure!(
        clear.contains("true «unseen-command»") && clear.contains("hidden"),
        "{clear}"
    );
    // Nobody has to guess a word of it.
    let all = site
        .auditor(&["search", "--in", "hidden"])?
        .success()?
        .text();
    ensure!(
        all.contains("true unseen-command") && all.contains("exit"),
        "{all}"
    );
    // In the order of time, with what was not recognised marked.
    let number = clear.lines().find_map(|line| {
        let command = line.trim().strip_prefix("replay ")?;
        command.split(' ').next().map(str::to_owned)
    });
    let number = number.context("no number")?;
    let unmasked = site.auditor(&["replay", &number, "--unmask"])?;
    let unmasked = unmasked.success()?.text();
    let place = |text: &str| {
        let place = unmasked.find(text);
        place.with_context(|| format!("{text:?} is not in\n{unmasked}"))
    };
    ensure!(place("channel 1  │ stty -echo")? < place("channel 1 ¤ │ true unseen-command")?);
    let records = store::audit(&site, "search")?;
    ensure!(records.iter().any(|record| {
        record["verdict"] == "permit"
            && record
                .pointer("/detail/in")
                .is_some_and(|asked| asked == "hidden")
    }));
    Ok(())
}

/// A terminal that is asked for with ECHO off is on record and told to the operator at once, before anything is typed.
#[test]
fn a_terminal_asked_for_without_echo_is_told_and_on_record() -> Result<()> {
    let site = site()?;
    let ssh = site.ssh("alice+db01").flag("-tt");
    let mut command: Vec<OsString> = ["sh", "-c", "stty -echo; exec \"$@\"", "sh"]
        .map(OsString::from)
        .to_vec();
    command.extend(ssh.arguments());
    let terminal = Terminal::open(site.layout(), &command, &ssh.variables(), 90, 30)?;
    terminal.sees_prompt()?;
    let records = store::audit(&site, "typing-hidden")?;
    ensure!(
        records.len() == 1
            && records
                .iter()
                .all(|record| record["person"] == "alice" && record["target"] == "db01"),
        "{records:?}"
    );
    let told = site.operator(&["pending"])?.text();
    ensure!(
        told.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("alice asked for a terminal on db01 that shows nothing of what is typed"),
        "{told}"
    );
    // An ordinary one says nothing of the kind.
    let other = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    other.sees_prompt()?;
    ensure!(store::audit(&site, "typing-hidden")?.len() == 1);
    Ok(())
}

/// What cannot be searched is counted and told, and not taken for something without hits.
#[test]
fn recordings_that_cannot_be_searched_are_counted() -> Result<()> {
    let site = site()?;
    for word in ["first-word", "second-word"] {
        let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
        terminal.sees_prompt()?;
        terminal.enters(&format!("echo {word}; exit"))?;
        terminal.ends()?;
        found(&site, &[word])?;
    }
    let whole = search(&site, &["nowhere-at-all"])?;
    ensure!(!whole.contains("was not searched"), "{whole}");
    let removed = std::process::Command::new("python3")
        .args(["-c", "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=30)\ndb.execute('delete from search_filters where session = (select id from sessions order by number limit 1)')\ndb.commit()"])
        .arg(site.layout().data().join("ecluse.db"))
        .output()?;
    ensure!(removed.status.success(), "{removed:?}");
    for word in ["nowhere-at-all", "second-word"] {
        let told = search(&site, &[word])?;
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        ensure!(
            told.contains("One recording of this selection was not searched"),
            "{word}: {told}"
        );
    }
    Ok(())
}

/// An option of a replay means something as text, or is refused in words; none is left out in silence.
#[test]
fn an_option_means_something_or_is_refused() -> Result<()> {
    let site = site()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 90, 30)?;
    terminal.sees_prompt()?;
    terminal.enters("printf 'one-%s\\n' early; sleep 2; printf 'two-%s\\n' late")?;
    terminal.sees("\ntwo-late")?;
    terminal.enters("exit")?;
    terminal.ends()?;
    let number = found(&site, &["two-late", "--in", "screen"])?;
    let early = |options: &[&str]| -> Result<(bool, bool)> {
        let options: Vec<&str> = [number.as_str()].iter().chain(options).copied().collect();
        let text = replay(&site, &options)?;
        let shows = |wanted: &str| text.lines().any(|line| line.ends_with(wanted));
        Ok((shows("│ one-early"), shows("│ two-late")))
    };
    ensure!(early(&[])? == (true, true));
    ensure!(early(&["--channel", "1"])? == (true, true));
    ensure!(early(&["--find", "two-late"])? == (false, true));
    let beyond = site.auditor(&["replay", &number, "--text", "--at", "1h"])?;
    ensure!(beyond.status == Some(1), "{beyond:?}");
    beyond.says(&["There is nothing there: the recording lasts"])?;
    for (options, told) in [
        (&["--speed", "2"][..], "Text has no pace: --speed"),
        (&["--skip-idle", "1s"], "Text has no pace: --skip-idle"),
        (&["--channel", "7"], "has no channel 7"),
        (
            &["--find", "nowhere-at-all"],
            "is not in what can be searched",
        ),
        (&["--at", "1s", "--find", "two"], "leave one of them out"),
        (&["--unmask", "--at", "1s"], "--unmask prints everything"),
    ] {
        let words: Vec<&str> = ["replay", &number].iter().chain(options).copied().collect();
        let answer = site.auditor(&words)?;
        ensure!(
            answer.status != Some(0) && said(&answer).contains(told),
            "{options:?}: {answer:?}"
        );
    }
    let answer = site.auditor(&["search", "--all"])?;
    ensure!(
        said(&answer).contains("Say which words to look for"),
        "{answer:?}"
    );
    Ok(())
}
