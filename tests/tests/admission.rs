//! The client's approval: how one is asked for, given, reduced, refused, and what happens without. I1 to I3, I6, F1, F2.

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Plan, Site, Terminal};

#[test]
fn without_an_approval_the_refusal_says_what_to_type() -> Result<()> {
    let site = Site::start()?;
    let answer = site.ssh("alice+db01").run("id").answer()?.refused(&[
        "request db01",
        "--for",
        "--reason",
    ])?;
    ensure!(
        answer.output.is_empty(),
        "something passed: {}",
        answer.text()
    );
    ensure!(
        !site.target_log().contains("Accepted"),
        "the target was reached:\n{}",
        site.target_log()
    );
    Ok(())
}

#[test]
fn an_approval_may_be_shorter_than_what_was_asked() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved_for("alice", "db01", "30m")?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    site.clock().advance(29 * 60)?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    site.clock().advance(2 * 60)?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["no approved intervention is open", "request db01"])?;
    Ok(())
}

#[test]
fn an_approval_may_be_for_less_than_what_was_asked() -> Result<()> {
    let site = Site::start()?;
    let number = site.request("alice", "db01")?;
    site.operator(&["approve", &number.to_string(), "--only", "command"])?
        .success()?;
    site.ssh("alice+db01").run("echo yes").answer()?.success()?;
    let terminal = Terminal::of(&site, &site.ssh("alice+db01"), 100, 30)?;
    terminal.sees("Missing: shell")?;
    ensure!(terminal.ends()? == 254);
    Ok(())
}

/// Invariant 2, from outside: what was not asked, or not in the matrix, cannot be approved.
#[test]
fn an_approval_never_grows() -> Result<()> {
    let site = Site::start()?;
    let answer = site
        .lobby(
            "alice",
            &[
                "request", "db01", "--only", "command", "--for", "1h", "--reason", "check",
            ],
        )
        .answer()?
        .success()?;
    let number = ecluse_tests::lobby::number(&answer.text())
        .ok_or_else(|| anyhow::anyhow!("{}", answer.text()))?
        .to_string();
    for (more, what) in [
        (["--for", "3h"], "3h was not asked"),
        (["--only", "shell"], "shell was not asked"),
        (["--target", "web01"], "web01 was not asked"),
        (["--account", "nobody"], "nobody was not asked"),
    ] {
        site.operator(&[&["approve", &number], &more[..]].concat())?
            .status_is(1)?
            .says(&["An approval only shrinks", what])?;
    }
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["is still waiting for an answer"])?;
    site.operator(&["approve", &number])?.success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn more_than_the_matrix_cannot_be_asked() -> Result<()> {
    let site = Site::start()?;
    let answer = site
        .lobby(
            "alice",
            &["request", "db01", "--for", "5h", "--reason", "long"],
        )
        .answer()?;
    answer
        .status_is(1)?
        .says(&["5h is not possible here", "4h"])?;
    Ok(())
}

#[test]
fn one_operators_yes_is_not_enough_where_two_are_asked() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.operator("odile-2", "en")?;
        plan.documents.flow("dba")?.by = 2;
        Ok(())
    })?;
    let number = site.request("alice", "db01")?.to_string();
    site.operator(&["approve", &number])?.success()?;
    let waits = ["is still waiting for an answer"];
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&waits)?;
    site.operator(&["approve", &number])?
        .status_is(1)?
        .says(&["You have approved intervention", "already"])?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&waits)?;
    site.lobby("odile-2", &["approve", &number])
        .answer()?
        .success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// I1, I2: of several requests each has its own answer, and one that is refused may be asked again; of two operators who answer in the
/// same moment, one decides, and the other is told so.
#[test]
fn i1_several_decisions_at_once_are_each_their_own() -> Result<()> {
    let site = Site::start_with(|plan| plan.operator("odile-2", "en"))?;
    // Whose connection stands answers without a log-on between.
    for operator in ["odile", "odile-2"] {
        site.lobby(operator, &["pending"]).answer()?.success()?;
    }
    let [first, second] = [0, 1].map(|_| site.request("alice", "db01"));
    let (first, second) = (first?.to_string(), second?.to_string());
    let refuse = |number: &str| {
        [
            String::from("refuse"),
            number.to_owned(),
            "--reason".to_owned(),
            "not today".to_owned(),
        ]
    };
    let refused = refuse(&first);
    let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
    site.operator(&refused)?.success()?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["is still waiting for an answer"])?;
    site.operator(&["approve", &first])?.status_is(1)?;
    let again = site.request("alice", "db01")?.to_string();
    site.operator(&["approve", &again])?.success()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let pending = site.operator(&["pending"])?.success()?.text();
    ensure!(
        pending.contains(&format!("#{second} ")) && !pending.contains(&format!("#{again} ")),
        "{pending}"
    );
    for _ in 0..5 {
        let number = site.request("bruno", "db01")?.to_string();
        let refused = refuse(&number);
        let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
        let yes = site.lobby("odile", &["approve", &number]).spawn()?;
        let no = site.lobby("odile-2", &refused).spawn()?;
        let [yes, no] = [yes, no].map(|mut running| running.answer());
        let (yes, no) = (yes?, no?);
        let (decided, late) = if yes.status == Some(0) {
            (&yes, &no)
        } else {
            (&no, &yes)
        };
        ensure!(
            decided.status == Some(0) && late.status == Some(1),
            "{yes:?}\n{no:?}"
        );
        let told = site
            .operator(&["interventions", &number])?
            .success()?
            .text();
        let is_approved = told.contains("approved");
        ensure!(is_approved == (yes.status == Some(0)), "{told}");
        let passed = site.ssh("bruno+db01").run("true").answer()?;
        ensure!(
            passed.status == Some(if is_approved { 0 } else { 254 }),
            "{passed:?}"
        );
        if is_approved {
            site.operator(&["withdraw", &number, "--reason", "measured"])?
                .success()?;
        }
    }
    Ok(())
}

/// I6: a technician's own words approve nothing, and roles do not reach into each other.
#[test]
fn nobody_decides_in_the_clients_stead() -> Result<()> {
    let site = Site::start()?;
    let number = site.request("alice", "db01")?.to_string();
    const OPERATORS: &str = "This is for the client's operators";
    const AUDITORS: &str = "This is for the client's auditors";
    for (person, words, refusal) in [
        ("alice", vec!["approve", &number], OPERATORS),
        (
            "bruno",
            vec!["approve", &number],
            "Ceci revient aux opérateurs du client",
        ),
        ("aurele", vec!["approve", &number], OPERATORS),
        ("alice", vec!["live"], OPERATORS),
        ("alice", vec!["recordings"], AUDITORS),
        ("aurele", vec!["cut", "all"], OPERATORS),
        ("odile", vec!["replay", "1"], AUDITORS),
        (
            "odile",
            vec!["request", "db01", "--for", "1h", "--reason", "x"],
            "This is for a provider's technicians",
        ),
    ] {
        let answer = site.lobby(person, &words).answer()?;
        ensure!(
            answer.status.is_some_and(|status| status != 0) && answer.errors.contains(refusal),
            "{person} and {words:?}: {answer:?}"
        );
    }
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["is still waiting for an answer"])?;
    // Whose decision it is can.
    site.operator(&["approve", &number])?.success()?;
    Ok(())
}

#[test]
fn one_technicians_approval_is_not_anothers() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    site.ssh("bruno+db01")
        .run("true")
        .answer()?
        .refused(&["request db01"])?;
    Ok(())
}

#[test]
fn one_targets_approval_is_not_anothers() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    site.ssh("alice+web01")
        .run("true")
        .answer()?
        .refused(&["request web01"])?;
    Ok(())
}

/// A target that the matrix does not give and one that does not exist are told apart by nobody.
#[test]
fn an_unlisted_target_and_an_unknown_one_get_the_same_words() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents
            .flow("dba")?
            .targets
            .retain(|target| target == "db01");
        Ok(())
    })?;
    let refusal = |target: &str| -> Result<String> {
        let answer = site
            .ssh(&format!("alice+{target}"))
            .run("id")
            .answer()?
            .refused(&["is not among your targets"])?;
        let asked = site
            .lobby(
                "alice",
                &["request", target, "--for", "1h", "--reason", "x"],
            )
            .answer()?;
        let asked = asked
            .status_is(1)?
            .says(&["is not among your targets"])
            .with_context(|| format!("{target} could be asked for"))?;
        Ok(format!("{}\n{}", answer.errors, asked.errors).replace(target, "TARGET"))
    };
    let (unlisted, unknown) = (refusal("web01")?, refusal("nowhere")?);
    ensure!(
        unlisted == unknown,
        "they differ:\n{unlisted}\n---\n{unknown}"
    );
    Ok(())
}

#[test]
fn the_lobby_shows_what_a_technician_may_ask_for() -> Result<()> {
    let site = Site::start()?;
    let terminal = Terminal::of(&site, &site.ssh("alice"), 100, 40)?;
    terminal.sees("help")?;
    terminal.enters("flows")?;
    terminal.sees("db01")?;
    terminal.enters("request db01 --for 1h --reason \"a check\"")?;
    terminal.sees("Request #1 was sent")?;
    let number = site.next_pending()?;
    site.operator(&["approve", &number.to_string()])?
        .success()?;
    // The answer appears by itself.
    terminal.sees("approved by Odile")?;
    terminal.enters("interventions")?;
    terminal.sees_that("her interventions", |screen| {
        screen
            .rsplit_once("écluse> interventions")
            .is_some_and(|(_, own)| own.contains("#1") && own.contains("db01"))
    })?;
    terminal.enters("exit")?;
    ensure!(terminal.ends()? == 0);
    Ok(())
}

#[test]
fn a_request_can_be_taken_back() -> Result<()> {
    let site = Site::start()?;
    let number = site.request("alice", "db01")?.to_string();
    site.lobby("alice", &["cancel", &number])
        .answer()?
        .success()?;
    site.operator(&["approve", &number])?
        .status_is(1)?
        .says(&["is cancelled: nothing to approve"])?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["no approved intervention is open"])?;
    Ok(())
}

#[test]
fn requests_that_wait_are_bounded_in_number() -> Result<()> {
    let site = Site::start()?;
    let ask = |person: &str| {
        let words = ["request", "db01", "--for", "1h", "--reason", "again"];
        site.lobby(person, &words).answer()
    };
    // `waiting-per-person` is 3 where nothing is set.
    for _ in 0..3 {
        ask("alice")?.success()?;
    }
    for _ in 0..3 {
        ask("alice")?
            .status_is(1)?
            .says(&["3 requests wait for an answer already"])?;
    }
    let pending = site.operator(&["pending"])?.success()?.text();
    ensure!(pending.matches("│ again").count() == 3, "{pending}");
    // They are one person's: another has room; and one that is taken back makes room.
    ask("bruno")?.success()?;
    site.lobby("alice", &["cancel", "1"]).answer()?.success()?;
    ask("alice")?.success()?;
    ask("alice")?.status_is(1)?;
    Ok(())
}

#[test]
fn each_person_is_spoken_to_in_their_language() -> Result<()> {
    let site = Site::start()?;
    let (alice, bruno) = (
        site.ssh("alice+db01").run("id").answer()?.status_is(254)?,
        site.ssh("bruno+db01").run("id").answer()?.status_is(254)?,
    );
    ensure!(
        alice.errors.contains("no approved intervention"),
        "{}",
        alice.errors
    );
    ensure!(
        bruno.errors.contains("aucune") || bruno.errors.contains("Aucune"),
        "{}",
        bruno.errors
    );
    Ok(())
}
