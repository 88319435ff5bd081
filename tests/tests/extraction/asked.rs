//! An operator asks, the technician explains, the operator decides. N1, I5.

use super::hands::{does, shown};
use super::held::held;
use super::*;

/// A shell of alice over the connection that more can use, and the mark of her session.
fn shell(site: &Site) -> Result<(Terminal, String)> {
    let terminal = Terminal::of(site, &over_one(site), 200, 40)?;
    let screen = flows(&terminal, "which the target does not know")?;
    let screen = words(&screen);
    let (_, rest) = screen.split_once("bears the mark ").context("no mark")?;
    let mark = rest.split(',').next().unwrap_or_default().to_owned();
    terminal.enters("echo rea''dy")?;
    terminal.sees("ready")?;
    Ok((terminal, mark))
}

/// What a person of the site reads of a command, on one line.
fn reads(site: &Site, who: &str, asked: &[&str]) -> Result<String> {
    let said = site.lobby(who, asked).answer()?.success()?.text();
    Ok(words(&said))
}

/// N1: the question stands on the technician's terminal with the session's mark; what they were typing, such as a password, is no
/// answer, and what they answer reaches no target. The operator reads it, lets the session go on, and all of it is on record and in
/// the recording.
#[test]
fn n1_a_question_is_answered_in_the_terminal() -> Result<()> {
    let site = open_site()?;
    let (terminal, mark) = shell(&site)?;
    let session = "2";
    // Neither by a technician nor without a question; of no session that is not.
    site.lobby("alice", &["ask", session, "why"])
        .answer()?
        .status_is(1)?;
    site.operator(&["ask", session])?.status_is(2)?;
    site.operator(&["ask", session, "123 456"])?.status_is(2)?;
    site.operator(&["ask", "77", "why"])?.status_is(1)?;
    terminal.types("hunter2")?;
    terminal.sees("hunter2")?;
    does(
        &site,
        &["ask", session, "what is --all that?"],
        "alice is asked, and session 2 is held",
    )?;
    terminal.sees(&format!(
        "Écluse {mark}: odile asks you: “what is --all that?”"
    ))?;
    shown(&site, session, "asked “what is --all that?”")?;
    // Blind: the rest of a command, a password.
    terminal.types("s3cret")?;
    terminal.enters("")?;
    terminal.sees(&format!("Answer ({mark}):"))?;
    terminal.types("a dimp")?;
    for _ in 0..3 {
        terminal.presses("BSpace")?;
    }
    terminal.enters("ump for the audit, é")?;
    terminal.sees("You answered: “a dump for the audit, é”")?;
    let row = shown(&site, session, "answered “a dump for the audit, é”")?;
    ensure!(row.contains("HELD by odile"), "{row}");
    // Held still, and nothing more is asked.
    terminal.enters("touch typed")?;
    let told = reads(&site, "odile", &["live"])?;
    ensure!(
        told.contains("was asked “what is --all that?” and answers: “a dump for the audit, é”"),
        "{told}"
    );
    does(&site, &["resume", session], "goes on")?;
    terminal.sees("odile lets this session go on")?;
    terminal.sees("was not passed on")?;
    // By a key that is no signal: bash, by itself too, mixes what is typed right behind `C-c` with the line that this ends.
    terminal.presses("C-u")?;
    terminal.enters("ls -d typed; echo do''ne")?;
    let screen = terminal.sees("done")?;
    ensure!(screen.contains("No such file"), "{screen}");
    terminal.enters("exit")?;
    for (kind, who, words) in [
        ("question", "\"odile\"", "what is --all that?"),
        ("answer", "\"alice\"", "a dump for the audit, é"),
    ] {
        let records = store::audit(&site, kind)?;
        let told = records.first().map(Value::to_string).unwrap_or_default();
        ensure!(
            records.len() == 1 && told.contains(who) && told.contains(words),
            "{records:?}"
        );
        ensure!(!told.contains("s3cret"), "{told}");
    }
    does(&site, &["cut", session], "Cut: session 2")?;
    for words in [
        "odile asks you: “what is",
        "You answered: “a dump for the audit, é”",
    ] {
        wait::until_true(&format!("{words:?} in the recording"), PATIENCE, || {
            let told = site.auditor(&["replay", session, "--text"])?.text();
            let told = super::words(&told);
            ensure!(!told.contains("s3cret"), "{told}");
            Ok(told.contains(words))
        })?;
    }
    let found = reads(&site, "aurele", &["search", "dump for the audit"])?;
    ensure!(found.contains("«dump for the audit»"), "{found}");
    Ok(())
}

/// N1: without a terminal the question stands on standard error and nowhere in the data, is answered from the lobby, and all goes
/// on byte for byte; also where a budget holds the session too. Of several questions the first is answered first.
#[test]
fn n1_a_question_is_answered_without_a_terminal() -> Result<()> {
    let mut site = open_site()?;
    holds_at(&mut site, "100 KiB")?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    let mut running = site
        .ssh("alice+db01")
        .run("cat noise")
        .patience(PATIENCE)
        .spawn()?;
    let mut got = vec![0; 100 * KIB];
    let stdout = running.child.stdout.as_mut().context("no stdout")?;
    stdout.read_exact(&mut got)?;
    let session = held(&site)?;
    site.lobby("alice", &["answer", &session, "nothing"])
        .answer()?
        .status_is(1)?;
    does(&site, &["ask", &session, "what is that?"], "is held")?;
    does(&site, &["ask", &session, "and for whom?"], "is held")?;
    let asked = reads(&site, "alice", &["answer", &session])?;
    ensure!(
        asked.contains("odile asks: “what is that?”") && asked.contains("“and for whom?”"),
        "{asked}"
    );
    // Nobody else's.
    site.lobby("bruno", &["answer", &session, "nothing"])
        .answer()?
        .status_is(1)?;
    for (answer, question) in [("a copy", "what is that?"), ("the audit", "and for whom?")] {
        let told = reads(&site, "alice", &["answer", &session, answer])?;
        ensure!(
            told.contains(&format!("asked: “{question}”. You answered: “{answer}”")),
            "{told}"
        );
    }
    shown(&site, &session, "answered “the audit”")?;
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    shown(&site, &session, "HELD by odile")?;
    does(&site, &["resume", &session], "goes on")?;
    let answer = running.answer()?.success()?.says(&[
        "odile asks you: “what is that?”",
        &format!("answer {session} \"…\""),
        "odile asks you: “and for whom?”",
        "You answered: “a copy”",
        "but odile holds this session",
        "lets this session go on",
    ])?;
    got.extend(&answer.output);
    ensure!(got == noise, "what came is not exact");
    Ok(())
}

/// N1: what is begun while its technician is asked is refused with the question. Whoever is let go on in the middle of an answer ends
/// it, and it does not run; a question that nobody answers ends with its hold, and one whose technician hangs up stays on record.
#[test]
fn n1_a_question_without_an_answer_ends_with_its_hold() -> Result<()> {
    let site = open_site()?;
    let (terminal, mark) = shell(&site)?;
    let session = "2";
    does(&site, &["ask", session, "who is that?"], "is held")?;
    terminal.sees("odile asks you: “who is that?”")?;
    over_one(&site).run("touch ran").answer()?.refused(&[
        &format!("Écluse {mark}: odile holds this session and asks you: “who is that?”"),
        "This was not started",
    ])?;
    terminal.enters("")?;
    terminal.sees("Answer (")?;
    terminal.types("half of")?;
    does(&site, &["resume", session], "goes on")?;
    terminal.sees("odile lets this session go on")?;
    terminal.enters(" it; touch ran")?;
    terminal.sees("You answered: “half of it; touch ran”")?;
    terminal.enters("echo do''ne; ls -d ran")?;
    let screen = terminal.sees("No such file")?;
    ensure!(screen.contains("done"), "{screen}");
    does(&site, &["ask", session, "who else?"], "is held")?;
    terminal.sees("odile asks you: “who else?”")?;
    does(&site, &["resume", session], "goes on")?;
    site.lobby("alice", &["answer", session, "too late"])
        .answer()?
        .status_is(1)?;
    ensure!(store::audit(&site, "answer")?.len() == 1);
    // Asked again, and the technician leaves: the session is over, and the question is on record.
    does(&site, &["ask", session, "and now?"], "is held")?;
    terminal.sees("odile asks you: “and now?”")?;
    drop(terminal);
    over_one(&site).flag("-O").flag("exit").answer()?;
    wait::until_true("the end of the session", PATIENCE, || {
        Ok(store::audit(&site, "session-end")?.len() > 1)
    })?;
    site.lobby("alice", &["answer", session, "too late"])
        .answer()?
        .status_is(1)?;
    ensure!(store::audit(&site, "question")?.len() == 3);
    Ok(())
}

/// N1: an operator who leaves takes neither the question nor the hold away: the technician answers, and whoever comes reads that and
/// lets the session go on.
#[test]
fn n1_a_question_outlasts_the_operator_who_asked() -> Result<()> {
    let site = Site::start_with(|plan| plan.operator("omar", "en"))?;
    site.proven("alice", "db01")?;
    let (terminal, mark) = shell(&site)?;
    let lobby = Terminal::of(&site, &site.ssh("odile"), 160, 30)?;
    let session = site.live_session()?;
    lobby.sees("écluse>")?;
    lobby.enters(&format!("ask {session} \"what is that?\""))?;
    terminal.sees("odile asks you: “what is that?”")?;
    lobby.presses("C-d")?;
    lobby.ends()?;
    drop(lobby);
    site.ssh("odile")
        .shared("odile")
        .flag("-O")
        .flag("exit")
        .answer()?;
    wait::until_true("the operator to be off", PATIENCE, || {
        let [on, off] = ["log-on", "log-off"].map(|kind| store::audit(&site, kind));
        let of = |records: &[Value]| {
            records
                .iter()
                .filter(|one| one["person"] == "odile")
                .count()
        };
        Ok(of(&on?) == of(&off?))
    })?;
    terminal.enters("")?;
    terminal.sees(&format!("Answer ({mark}):"))?;
    terminal.enters("a dump")?;
    terminal.sees("You answered: “a dump”")?;
    terminal.enters("touch typed")?;
    let told = reads(&site, "omar", &["live"])?;
    ensure!(
        told.contains("was asked “what is that?” and answers: “a dump”")
            && told.contains("HELD by odile"),
        "{told}"
    );
    let resumed = reads(&site, "omar", &["resume", &session])?;
    ensure!(resumed.contains("goes on"), "{resumed}");
    terminal.sees("was not passed on")?;
    ensure!(!site.layout().target_home().join("typed").exists());
    Ok(())
}

/// N1, I5: a session of another gateway is asked, its technician answers at this one, and each reads the other.
#[test]
fn n1_a_question_reaches_a_session_of_another_gateway() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        Ok(())
    })?;
    let there = here.beside()?;
    here.proven("alice", "db01")?;
    let (terminal, mark) = shell(&there)?;
    let session = wait::until("the session", PATIENCE, || {
        let live = here.operator(&["live"])?.success()?.text();
        let row = live.lines().find(|line| line.contains("known there"));
        Ok(row.and_then(|row| row.split_whitespace().next().map(str::to_owned)))
    })?;
    does(&here, &["ask", &session, "what is that?"], "is held")?;
    terminal.sees(&format!("Écluse {mark}: odile asks you: “what is that?”"))?;
    let told = reads(&here, "alice", &["answer", &session])?;
    ensure!(
        told.contains(&format!("{mark}: odile asks: “what is that?”")),
        "{told}"
    );
    let told = reads(&here, "alice", &["answer", &session, "a", "dump"])?;
    ensure!(told.contains("You answered: “a dump”"), "{told}");
    terminal.sees("You answered: “a dump”")?;
    terminal.enters("touch typed")?;
    does(&here, &["ask", &session, "and that?"], "is held")?;
    terminal.sees("odile asks you: “and that?”")?;
    terminal.enters("")?;
    terminal.sees("Answer (")?;
    terminal.enters("another")?;
    terminal.sees("You answered: “another”")?;
    shown(&here, &session, "answered “another”")?;
    does(&here, &["resume", &session], "goes on")?;
    terminal.sees("was not passed on")?;
    Ok(())
}

/// Waits until the terminal shows these words, wherever its lines were broken.
fn flows(terminal: &Terminal, words: &str) -> Result<String> {
    terminal.sees_that(&format!("{words:?}"), |screen| {
        super::words(screen).contains(words)
    })
}

/// N1: at 40 and at 80 columns, in the technician's French: the question whole, an answer longer than the row on one row.
#[test]
fn n1_a_question_reads_on_a_narrow_terminal_in_french() -> Result<()> {
    let site = open_site()?;
    let mut session = 2;
    site.proven("bruno", "db01")?;
    for columns in [40, 80] {
        session += 1;
        let terminal = Terminal::of(&site, &site.ssh("bruno+db01"), columns, 30)?;
        flows(&terminal, "porte la marque")?;
        terminal.sees_prompt()?;
        let number = session.to_string();
        does(
            &site,
            &["ask", &number, "à quoi sert cette copie de la base ?"],
            "bruno is asked",
        )?;
        flows(
            &terminal,
            "odile vous demande : « à quoi sert cette copie de la base ? ». Rien ne passe",
        )?;
        flows(&terminal, "elle va à l'opérateur, pas à la cible.")?;
        terminal.enters("")?;
        terminal.sees("Réponse (")?;
        let answer =
            "c'est pour l'audit demandé par le service informatique, ticket 4711, jusqu'à ce soir";
        terminal.types(answer)?;
        terminal.sees("ce soir")?;
        let row = terminal.visible()?;
        let row = row.lines().rev().find(|line| !line.trim().is_empty());
        ensure!(
            row.is_some_and(|row| row.starts_with("Réponse (") && row.ends_with("ce soir")),
            "{row:?}"
        );
        terminal.enters("")?;
        flows(&terminal, &format!("Vous avez répondu : « {answer} »"))?;
        does(&site, &["resume", &number], "goes on")?;
        flows(&terminal, "odile laisse reprendre cette session")?;
        terminal.enters("exit")?;
        terminal.ends()?;
    }
    let answers = store::audit(&site, "answer")?;
    ensure!(answers.len() == 2, "{answers:?}");
    Ok(())
}
