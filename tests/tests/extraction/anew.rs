//! What is begun while nothing may pass: by a new connection, and while a target is dialled. X3.

use std::sync::atomic::Ordering::SeqCst;

use super::hands::does;
use super::held::held;
use super::lock::Lock;
use super::*;

/// X3: a new connection whose budget is used up: nothing is started, at a terminal and without one, what is typed is refused, and
/// everybody reads why. All of it goes on after one top-up, and whoever comes then is told how much may pass by now.
#[test]
fn x3_a_new_connection_under_a_used_up_budget_waits() -> Result<()> {
    let mut site = open_site()?;
    budgets(
        &mut site,
        "session = \"64 GiB\", intervention = \"20 KiB\", at-limit = \"hold\"",
        "20 KiB",
    )?;
    let home = site.layout().target_home();
    let mut user = site.ssh("alice+db01").run("cat plain").spawn()?;
    held(&site)?;
    user.child.kill()?;
    wait::until_true("the end of who used it up", PATIENCE, || {
        let live = site.operator(&["live"])?.success()?.text();
        Ok(live.contains("No session is in passage"))
    })?;
    let mut command = site
        .ssh("alice+db01")
        .run("touch ran; echo begun")
        .patience(PATIENCE)
        .spawn()?;
    let session = held(&site)?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 200, 40)?;
    terminal.sees("Nothing more passes until an operator of hopital")?;
    for _ in 0..3 {
        terminal.enters("touch typed")?;
        held(&site)?;
    }
    ensure!(!home.join("ran").exists() && !home.join("typed").exists());
    site.operator(&["topup", &session, "1MiB"])?.success()?;
    let answer = command.answer()?.success()?.says(&[
        "Nothing more passes until an operator of hopital",
        "the budget lets more pass",
    ])?;
    ensure!(answer.text() == "begun\n" && home.join("ran").exists());
    terminal.sees("was not passed on")?;
    terminal.sees("of 1 MiB (intervention)")?;
    terminal.enters("ls -d typed; echo do''ne")?;
    let screen = terminal.sees("done")?;
    ensure!(screen.contains("No such file"), "{screen}");
    Ok(())
}

/// X3: a hold that comes while the target is dialled is in time: nothing is started there before it is lifted.
#[test]
fn x3_a_hold_that_comes_while_the_target_is_dialled_is_in_time() -> Result<()> {
    let lock = Lock::open()?;
    let port = lock.port;
    let mut behind = 0;
    let site = Site::start_with(|plan| {
        plan.documents.target("db01")?.address = format!("127.0.0.1:{port}");
        behind = plan.ports.target;
        Ok(())
    })?;
    lock.leads_to(behind);
    site.proven("alice", "db01")?;
    let terminal = Terminal::of(&site, &over_one(&site), 200, 40)?;
    terminal.sees("At most")?;
    terminal.enters("echo rea''dy")?;
    terminal.sees("ready")?;
    lock.shut(true);
    let mut command = over_one(&site).run("touch ran; echo begun").spawn()?;
    wait::until_true("a target that is dialled", PATIENCE, || {
        Ok(lock.waits.load(SeqCst) > 0)
    })?;
    let logged_on = || site.target_log().matches("Accepted ").count();
    let before = logged_on();
    does(&site, &["hold", "2"], "is held: nothing passes")?;
    lock.shut(false);
    wait::until_true("the gateway to log on", PATIENCE, || {
        Ok(logged_on() > before)
    })?;
    let ran = site.layout().target_home().join("ran");
    for _ in 0..3 {
        terminal.enters("touch typed")?;
        site.operator(&["live"])?.success()?;
        ensure!(!ran.exists(), "it was started all the same");
    }
    does(&site, &["resume", "2"], "goes on")?;
    let answer = command.answer()?.success()?;
    ensure!(answer.text() == "begun\n" && ran.exists());
    Ok(())
}

/// P6: nor does anything start that a posture bars which comes meanwhile: not even within the time in which what runs is warned.
#[test]
fn p6_a_posture_that_comes_while_the_target_is_dialled_is_in_time() -> Result<()> {
    let lock = Lock::open()?;
    let port = lock.port;
    let mut behind = 0;
    let site = Site::start_with(|plan| {
        plan.documents.target("db01")?.address = format!("127.0.0.1:{port}");
        plan.documents.client_tail +=
            "[posture.high]\nwarning = \"10m\"\nrefuse = [\"command: *\"]\n";
        behind = plan.ports.target;
        Ok(())
    })?;
    lock.leads_to(behind);
    site.proven("alice", "db01")?;
    lock.shut(true);
    let mut command = site.ssh("alice+db01").run("touch ran").spawn()?;
    wait::until_true("a target that is dialled", PATIENCE, || {
        Ok(lock.waits.load(SeqCst) > 0)
    })?;
    does(&site, &["hold", "2"], "is held: nothing passes")?;
    let why = "intrusion at a supplier";
    does(&site, &["posture", "high", "--reason", why], why)?;
    lock.shut(false);
    does(&site, &["resume", "2"], "goes on")?;
    let told = ["“command: *” is refused meanwhile", why];
    command.answer()?.status_is(254)?.says(&told)?;
    ensure!(!site.layout().target_home().join("ran").exists());
    Ok(())
}

/// X3: every operator of the client is told at the warning and at the limit, wherever they look, not only who does something.
#[test]
fn x3_every_operator_of_the_client_is_told() -> Result<()> {
    let mut site = Site::start_with(|plan| plan.operator("omar", "fr"))?;
    fill(&site)?;
    site.proven("alice", "db01")?;
    holds_at(&mut site, "100 KiB")?;
    let mut running = site.ssh("alice+db01").run("cat plain").spawn()?;
    let session = held(&site)?;
    for (operator, words) in [
        (
            "odile",
            [
                "100 KiB that may pass (session) are taken",
                "are spent, and it is held",
            ],
        ),
        (
            "omar",
            [
                "100 Kio qui peuvent passer (session) sont pris",
                "la session est suspendue",
            ],
        ),
    ] {
        let told = site.lobby(operator, &["live"]).answer()?.success()?.text();
        let told = super::words(&told);
        for words in words {
            ensure!(
                told.contains(words),
                "{operator} does not read {words:?}: {told}"
            );
        }
    }
    // What one of them does, the other reads.
    site.lobby("omar", &["hold", &session, "--reason", "pourquoi ?"])
        .answer()?
        .success()?;
    let told = site.operator(&["live"])?.success()?.text();
    ensure!(
        told.contains("omar holds session") && told.contains("pourquoi ?"),
        "{told}"
    );
    running.child.kill()?;
    Ok(())
}
