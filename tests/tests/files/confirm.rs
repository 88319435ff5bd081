//! What waits for an operator's yes while it is in use: by SFTP, by `scp` of old, by a command. I4.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Plan, Site, client, store, wait};

use super::{ALL, Ground, PATIENCE, is_refused, said};

/// Files below `in/conf` wait, and so does `true`, each time.
fn waiting_ground(within: &str) -> Result<Ground> {
    waiting_ground_with(within, |_| Ok(()))
}

fn waiting_ground_with(
    within: &str,
    change: impl FnOnce(&mut Plan) -> Result<()>,
) -> Result<Ground> {
    let mut ground = Ground::start_with(ALL, change)?;
    fs::create_dir_all(ground.at("in/conf"))?;
    fs::write(ground.at("here/mine"), "mine")?;
    let root = ground.root()?.display().to_string();
    ground.site.apply(|documents| {
        documents.flow("dba")?.confirm = vec![
            format!("{{ line = \"sftp-write: {root}/in/conf/**\", within = \"{within}\" }}"),
            "{ line = \"command: true\", each = true }".to_owned(),
        ];
        Ok(())
    })?;
    Ok(ground)
}

/// What waits for the operator, once something does: its number.
fn next(ground: &Ground, what: &str) -> Result<String> {
    waits(&ground.site, what)
}

fn waits(site: &Site, what: &str) -> Result<String> {
    wait::until(&format!("{what} to wait"), PATIENCE, || {
        let text = site.operator(&["confirm"])?.success()?.text();
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_it = words.join("").contains(&what.replace(' ', ""));
        let number = words.iter().find(|word| {
            let digits =
                |part: &str| !part.is_empty() && part.bytes().all(|one| one.is_ascii_digit());
            word.split_once('.')
                .is_some_and(|(one, two)| digits(one) && digits(two))
        });
        Ok(number.filter(|_| is_it).map(|word| (*word).to_owned()))
    })
}

fn answers(ground: &Ground, words: &[&str], told: &str) -> Result<()> {
    let answer = ground.site.operator(words)?;
    ensure!(answer.status == Some(0), "{answer:?}");
    ensure!(answer.text().contains(told), "{told}: {answer:?}");
    Ok(())
}

fn detail<'e>(entry: &'e serde_json::Value, key: &str) -> &'e str {
    let detail = entry.get("detail").and_then(|detail| detail.get(key));
    detail.and_then(|value| value.as_str()).unwrap_or_default()
}

/// I4: an upload waits for a yes and passes by it, the same in the same session is not asked again, a no is told with its reason and
/// leaves nothing on the disk; a command and `scp` of old wait too. Each question and each answer is on record.
#[test]
fn i4_what_is_named_waits_for_a_yes_in_the_channel() -> Result<()> {
    let ground = waiting_ground("5m")?;
    // Twice the same: one question. What is not named passes without one.
    let mut sftp = ground.sftp_command(
        "put @/here/mine @/in/free\nput @/here/mine @/in/conf/a\nput @/here/mine @/in/conf/a\n",
    )?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let number = next(&ground, "in/conf/a")?;
    ensure!(ground.holds("in/free")? == b"mine");
    ensure!(
        !fs::exists(ground.at("in/conf/a"))?,
        "it was there before the yes"
    );
    let live = ground.site.operator(&["live"])?.success()?.text();
    let live = live.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(live.contains("waits for a yes"), "{live}");
    // Nobody but an operator.
    ground
        .site
        .lobby("alice", &["confirm", &number])
        .answer()?
        .status_is(1)?;
    ground.site.operator(&["confirm", "77.1"])?.status_is(1)?;
    ground.site.operator(&["confirm", "what"])?.status_is(2)?;
    answers(&ground, &["confirm", &number], "Yes: alice may do this")?;
    let answer = running.answer()?;
    ensure!(answer.status == Some(0), "{answer:?}");
    ensure!(said(&answer).contains("Asked: odile"), "{answer:?}");
    ensure!(ground.holds("in/conf/a")? == b"mine");
    // Too late to say anything else.
    ground.site.operator(&["deny", &number])?.status_is(1)?;

    let denied = |running: &mut client::Running, what: &str, path: &str| -> Result<Answer> {
        let number = next(&ground, what)?;
        let reason = ["deny", &number, "--reason", "not on a Monday"];
        answers(&ground, &reason, "No: alice is refused this")?;
        let answer = running.answer()?;
        is_refused(&answer, "odile said no")?;
        ensure!(said(&answer).contains("not on a Monday"), "{answer:?}");
        ensure!(!fs::exists(ground.at(path))?);
        Ok(answer)
    };
    let mut sftp = ground.sftp_command("put @/here/mine @/in/conf/b\n")?;
    denied(
        &mut client::spawn(&mut sftp, PATIENCE)?,
        "in/conf/b",
        "in/conf/b",
    )?;
    // By the old protocol, in its own words.
    let old = |to: &str| -> Result<client::Running> {
        let mut scp = ground.program("scp");
        scp.arg("-O").arg(ground.at("here/mine"));
        scp.arg(format!("alice+db01@gw:{}", ground.at(to)));
        client::spawn(&mut scp, PATIENCE)
    };
    denied(&mut old("in/conf/c")?, "in/conf/c", "in/conf/c")?;
    let mut running = old("in/conf/d")?;
    let number = next(&ground, "in/conf/d")?;
    answers(&ground, &["confirm", &number], "Yes: alice may do this")?;
    let answer = running.answer()?;
    ensure!(answer.status == Some(0), "{answer:?}");
    ensure!(ground.holds("in/conf/d")? == b"mine");
    // A command, before anything of it reaches the target.
    let mut running = ground
        .site
        .ssh("alice+db01")
        .run("true")
        .patience(PATIENCE)
        .spawn()?;
    let number = next(&ground, "command: true")?;
    answers(&ground, &["confirm", &number], "Yes: alice may do this")?;
    running.answer()?.status_is(0)?;

    who_said_yes_is_shown(&ground)?;
    let asked = store::audit(&ground.site, "confirm-asked")?;
    let said = store::audit(&ground.site, "confirm-answered")?;
    ensure!(asked.len() == 5 && said.len() == 5, "{asked:?} {said:?}");
    let yes = said.iter().filter(|one| one["verdict"] == "permit");
    ensure!(yes.count() == 3, "{said:?}");
    ensure!(
        said.iter()
            .all(|one| one["person"] == "odile" && detail(one, "by") == "odile")
    );
    ensure!(asked.iter().all(|one| one["person"] == "alice"));
    ensure!(detail(&asked[4], "what") == "command: true", "{asked:?}");
    let verified = ground
        .site
        .gateway()
        .run(["journal", "verify", "--contents"], "")?;
    ensure!(verified.contains("intact"), "{verified}");
    Ok(())
}

/// Whoever asks and whoever says yes reads what will wait; who said what stands in the recording and with the intervention.
fn who_said_yes_is_shown(ground: &Ground) -> Result<()> {
    let reads = |answer: Answer| -> Result<String> {
        let text = answer.success()?.text();
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let root = ground.root()?.display().to_string();
    let alice = |words: &[&str]| reads(ground.site.lobby("alice", words).answer()?);
    let lines = format!(
        "sftp-write: {root}/in/conf/** (once a session, within 5m), command: true (each time, within 5m)"
    );
    let flows = alice(&["flows"])?;
    ensure!(
        flows.contains(&format!("Waits for a yes {lines}")),
        "{flows}"
    );
    let waits = format!(
        "by the flow dba, this waits in its channel for a yes of an operator of hopital: {lines}"
    );
    // The names of paths are long, so that the line is in pieces.
    let words = |text: &str| text.replace(' ', "");
    let request = alice(&["request", "db01", "--for", "1h", "--reason", "more"])?;
    ensure!(words(&request).contains(&words(&waits)), "{request}");
    let pending = reads(ground.site.operator(&["pending"])?)?;
    ensure!(words(&pending).contains(&words(&waits)), "{pending}");
    // What is asked for without any of it says nothing of it.
    alice(&["cancel", "2"])?;
    let less = [
        "request",
        "db01",
        "--only",
        "sftp-read",
        "--for",
        "1h",
        "--reason",
        "less",
    ];
    let request = alice(&less)?;
    ensure!(!request.contains("for a yes"), "{request}");

    let told = reads(ground.site.operator(&["interventions", "1"])?)?;
    for wanted in [
        "in/conf/a”: odile said yes (",
        "in/conf/b”: odile said no: not on a Monday (",
        "“command: true”: odile said yes (",
        "yeses while in use: 3 · refused, or nobody answered: 2",
    ] {
        ensure!(words(&told).contains(&words(wanted)), "{wanted}: {told}");
    }
    let transcript = |session: &str| -> Result<Option<String>> {
        let answer = ground.site.auditor(&["replay", session, "--text"])?;
        Ok((answer.status == Some(0)).then(|| words(&answer.text().replace('\n', ""))))
    };
    let said = |session: &str, wanted: &str| {
        wait::until_sealed(&format!("{wanted} in the transcript of {session}"), || {
            Ok(transcript(session)?
                .filter(|text| text.contains(&words(wanted)))
                .map(drop))
        })
    };
    said("2", "in/conf/a” waits for a yes of the client")?;
    said("2", "Écluse: odile said yes to “sftp-write:")?;
    said("3", "odile said no to “sftp-write:")?;
    said("6", "odile said yes to “command: true”")
}

/// Waits until it is on record that nobody said anything to what waited, and why.
fn ended(ground: &Ground, what: &str, because: &str) -> Result<()> {
    let found = wait::until(&format!("the end of {what}"), PATIENCE, || {
        let all = store::audit(&ground.site, "confirm-answered")?;
        Ok(all
            .into_iter()
            .find(|one| detail(one, "what").ends_with(what)))
    })?;
    let text = |key: &str| found.get(key).and_then(|value| value.as_str());
    let reason = text("reason").unwrap_or_default();
    let is_nobody = detail(&found, "by") == "nobody" && text("verdict") == Some("refuse");
    ensure!(is_nobody && reason.contains(because), "{found}");
    Ok(())
}

/// I4: a file that was written elsewhere waits where it is moved to.
#[test]
fn i4_a_rename_waits_where_a_write_does() -> Result<()> {
    let ground = waiting_ground("5m")?;
    let moves = "put @/here/mine @/in/free\nrename @/in/free @/in/conf/r\n";
    let mut sftp = ground.sftp_command(moves)?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let number = next(&ground, "in/conf/r")?;
    ensure!(!fs::exists(ground.at("in/conf/r"))?, "it was moved before");
    answers(&ground, &["deny", &number], "No: alice is refused this")?;
    is_refused(&running.answer()?, "odile said no")?;
    ensure!(!fs::exists(ground.at("in/conf/r"))?);
    Ok(())
}

/// I4: without an answer it is refused in time; what is held or cut waits no more, which is on record; with no operator of the client logged on it is refused at
/// once, with whom to call. `check` and `explain` say what waits.
#[test]
fn i4_without_an_answer_it_is_refused() -> Result<()> {
    let ground = waiting_ground("10s")?;
    let mut sftp = ground.sftp_command("put @/here/mine @/in/conf/a\n")?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    next(&ground, "in/conf/a")?;
    let answer = running.answer()?;
    is_refused(&answer, "nobody answered within")?;
    ensure!(!fs::exists(ground.at("in/conf/a"))?);
    ended(&ground, "in/conf/a", "nobody answered within")?;

    // What is held meanwhile is told no, and can be asked again.
    let mut sftp = ground.sftp_command("put @/here/mine @/in/conf/h\n")?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let number = next(&ground, "in/conf/h")?;
    let (session, _) = number.split_once('.').context("no number")?;
    ground.site.operator(&["hold", session])?.success()?;
    ended(&ground, "in/conf/h", "the session was held")?;
    ground.site.operator(&["resume", session])?.success()?;
    is_refused(&running.answer()?, "held meanwhile")?;

    let mut sftp = ground.sftp_command("put @/here/mine @/in/conf/b\n")?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let number = next(&ground, "in/conf/b")?;
    let (session, _) = number.split_once('.').context("no number")?;
    ground.site.operator(&["cut", session])?.success()?;
    ensure!(running.answer()?.status != Some(0));
    ended(&ground, "in/conf/b", "its channel ended")?;
    let told = ground
        .site
        .operator(&["interventions", "1"])?
        .success()?
        .text();
    let told = told.split_whitespace().collect::<String>();
    for wanted in [
        "in/conf/a”:nobodysaidyes:nobodyansweredwithin10s(",
        "in/conf/h”:nobodysaidyes:thesessionwasheld(",
    ] {
        ensure!(told.contains(wanted), "{wanted}: {told}");
    }

    let root = ground.root()?.display().to_string();
    let path = format!("sftp-write: {root}/in/conf/x");
    let explained = ground
        .site
        .gateway()
        .run(["explain", "alice", "db01", &path], "")?;
    ensure!(
        explained.contains("needs an operator's yes, once a session"),
        "{explained}"
    );

    // Everybody of the client leaves.
    let leave = ground.site.ssh("odile").shared("odile").flag("-Oexit");
    leave.answer()?.status_is(0)?;
    wait::until_true("the log-off", PATIENCE, || {
        let off = store::audit(&ground.site, "log-off")?;
        Ok(off.iter().any(|one| one["person"] == "odile"))
    })?;
    let began = Instant::now();
    let answer = ground.sftp("put @/here/mine @/in/conf/c\n")?;
    is_refused(&answer, "none of its operators is logged on")?;
    ensure!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    ensure!(fs::read_dir(ground.at("in/conf"))?.count() == 0);
    Ok(())
}

/// I4: an operator at another gateway is asked, sees what waits there, and their yes lets it pass here.
#[test]
fn i4_a_yes_crosses_nodes() -> Result<()> {
    let address = store::database()?;
    let ground = Ground::start_with(ALL, |plan| {
        plan.documents.settings.store = address;
        let lines = plan.documents.flow("dba")?.allow.clone();
        let writes = lines.iter().find(|line| line.starts_with("sftp-write"));
        plan.documents.flow("dba")?.confirm = writes.cloned().into_iter().collect();
        Ok(())
    })?;
    let there = ground.site.beside()?;
    there.operator(&["live"])?.success()?;
    // Nobody of the client is here any more.
    let leave = ground.site.ssh("odile").shared("odile").flag("-Oexit");
    leave.answer()?.status_is(0)?;
    fs::write(ground.at("here/mine"), "mine")?;
    let mut sftp = ground.sftp_command("put @/here/mine @/in/mine\n")?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let number = waits(&there, "in/mine")?;
    // Their log-on there was remembered: a yes wants a code of now.
    there.by_a_code(
        "odile",
        &format!("confirm {number}"),
        "Yes: alice may do this",
    )?;
    let answer = running.answer()?;
    ensure!(answer.status == Some(0), "{answer:?}");
    ensure!(said(&answer).contains("Asked: odile"), "{answer:?}");
    ensure!(ground.holds("in/mine")? == b"mine");
    let all = ground.site.shared_audit("confirm-answered")?;
    ensure!(all.len() == 1 && all[0]["person"] == "odile", "{all:?}");
    Ok(())
}

/// I4, R11: whoever says yes sees what the yes is about, first and whole, however long what comes with it is; a name ends no
/// quotation and forges no question; what is longer than an operator is shown is refused, with the bound. All of it is on record.
#[test]
fn i4_a_yes_is_to_what_is_seen() -> Result<()> {
    let mut ground = waiting_ground_with("5m", |plan| {
        let allow = &mut plan.documents.flow("dba")?.allow;
        allow.push("command: true {a:path} {b:path} {c:path} {d:path} {e:path}".to_owned());
        Ok(())
    })?;
    ground.site.apply(|documents| {
        let confirm = &mut documents.flow("dba")?.confirm;
        confirm.push("command: true *".to_owned());
        Ok(())
    })?;
    let deep = ["p", "q", "r", "s"].map(|one| one.repeat(240)).join("/");
    fs::create_dir_all(ground.at(&format!("in/{deep}")))?;
    fs::write(ground.at(&format!("in/{deep}/f")), "mine")?;
    let mut sftp = ground.sftp_command(&format!("rename @/in/{deep}/f @/in/conf/zz\n"))?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let number = next(&ground, "in/conf/zz")?;
    let root = ground.root()?.display().to_string();
    let named = format!("“sftp-rename: {root}/in/conf/zz + sftp-rename: {root}/in/pp");
    let shown = flat(&ground.site.operator(&["confirm"])?.success()?.text());
    ensure!(
        shown.contains(&flat(&named)) && shown.contains("ss/f”"),
        "{shown}"
    );
    ensure!(shown.contains("SHA-256ofall"), "{shown}");
    answers(&ground, &["deny", &number], "No: alice is refused this")?;
    is_refused(&running.answer()?, "odile said no")?;
    let asked = store::audit(&ground.site, "confirm-asked")?;
    let whole = detail(&asked[0], "whole");
    let all = format!("sftp-rename: {root}/in/conf/zz + sftp-rename: {root}/in/{deep}/f");
    ensure!(whole == all, "{whole}");

    // A name that reads like the end of one question and the beginning of another.
    let forged = "ok”, until 23:59 UTC. confirm 9.1 “x";
    let mut sftp = ground.sftp_command(&format!("put @/here/mine \"@/in/conf/{forged}\"\n"))?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let number = next(&ground, "23:59 UTC")?;
    for words in ["confirm", "live"] {
        let shown = flat(&ground.site.operator(&[words])?.success()?.text());
        // A cell of `live` is broken into lines, beside others.
        let is_whole = words == "live" || shown.contains("ok‹U+201D›,until");
        ensure!(is_whole && shown.contains("‹U+201"), "{shown}");
        ensure!(
            !shown.contains("”,until23") && !shown.contains("“x"),
            "{shown}"
        );
    }
    answers(&ground, &["deny", &number], "No: alice is refused this")?;
    is_refused(&running.answer()?, "odile said no")?;

    // More than is shown, and no more than a command may have.
    let path = format!("{}{}", "www/".repeat(200), "w".repeat(16));
    let long = format!("true {path} {path} {path} {path} {path}");
    let answer = ground.site.ssh("alice+db01").run(&long).answer()?;
    is_refused(
        &answer,
        "longer than the 4 KiB of it that an operator is shown",
    )?;
    ensure!(store::audit(&ground.site, "confirm-asked")?.len() == 2);
    let refused = store::audit(&ground.site, "flow-refused")?;
    let last = refused.last().context("no refusal on record")?;
    let reason = last.get("reason").and_then(|value| value.as_str());
    ensure!(
        reason.is_some_and(|reason| reason.contains("4096 bytes")),
        "{last}"
    );
    Ok(())
}

/// Without blanks: lines are broken where a terminal ends.
fn flat(text: &str) -> String {
    text.split_whitespace().collect()
}
