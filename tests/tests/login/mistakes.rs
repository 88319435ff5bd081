//! Honest mistakes at the door: they lock nobody out, and whoever has proven their keys is told what keeps them out. Issue 3,
//! B9; A6, A8; DESIGN §5.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Site, Ssh, Terminal, client, store};

use super::codes::wrong_code;
use super::{key, site_without_memory};

/// A login that lets the person read what the gateway says, as OpenSSH does unless told otherwise.
pub(crate) fn told(ssh: Ssh) -> Ssh {
    ssh.option("LogLevel INFO")
}

/// The command line of a client that asks three times, as OpenSSH does by itself.
pub(crate) fn three_prompts(ssh: &Ssh) -> Vec<std::ffi::OsString> {
    let mut arguments = ssh.arguments();
    for argument in &mut arguments {
        if argument == "NumberOfPasswordPrompts 1" {
            *argument = "NumberOfPasswordPrompts 3".into();
        }
    }
    arguments
}

/// `ssh` without a terminal, without input and without anything that could answer a question; it tries thrice, as it does
/// unless told otherwise.
fn unattended(ssh: &Ssh) -> Result<Answer> {
    let mut command = Command::new("setsid");
    command
        .arg("--wait")
        .args(three_prompts(ssh))
        .env_remove("DISPLAY")
        .env_remove("SSH_ASKPASS")
        .env("SSH_ASKPASS_REQUIRE", "never");
    client::run(&mut command, &[], Duration::from_secs(60))
}

/// What `ecluse` says at the gateway's time.
fn administrator(site: &Site, arguments: &[&str]) -> Result<(bool, String)> {
    let mut command = site.gateway().command(arguments);
    let output = command.envs(site.clock().environment()?).output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

/// A6: `ssh gw flows </dev/null` sends three empty answers, each time.
#[test]
fn empty_answers_lock_nobody() -> Result<()> {
    let site = site_without_memory()?;
    let ssh = site.ssh("alice").run("flows");
    for _ in 0..3 {
        unattended(&ssh)?.denied()?;
    }
    let refused = store::audit(&site, "log-on-refused")?;
    // Six a minute are on record one by one, what is more is counted (F5).
    ensure!(
        refused.len() >= 6
            && refused.iter().all(|record| {
                let record = record.to_string();
                record.contains("an empty answer; not counted")
                    || record.contains("more refused log-ons")
            }),
        "{refused:?}"
    );
    ensure!(store::audit(&site, "lockout")?.is_empty());
    // The two guesses that are left are still left.
    let wrong = wrong_code(&site)?;
    for _ in 0..2 {
        site.ssh("alice")
            .code(&wrong)
            .run("flows")
            .answer()?
            .denied()?;
    }
    site.ssh("alice").run("flows").answer()?.success()?;
    Ok(())
}

/// A6: without memory, a second terminal within the same half minute offers the code that was just used.
#[test]
fn a_second_terminal_within_the_same_code_locks_nobody() -> Result<()> {
    let site = site_without_memory()?;
    let code = site.fresh_code("alice")?;
    let enter = || site.ssh("alice+db01").code(&code).run("true").answer();
    enter()?.success()?;
    for _ in 0..4 {
        enter()?.denied()?;
    }
    ensure!(store::audit(&site, "lockout")?.is_empty());
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// What is refused without counting is bounded all the same: a connection has so many tries.
#[test]
fn empty_answers_are_bounded_on_one_connection() -> Result<()> {
    let site = site_without_memory()?;
    let answer =
        ecluse_tests::peers::run(&site, "hostile_client", &["empty_answers", "alice+db01"])?;
    ensure!(
        answer.text().contains("authenticated: False") && answer.text().contains("closed: True"),
        "{answer:?}"
    );
    let text = answer.text();
    let tries = text
        .lines()
        .find_map(|line| line.strip_prefix("answered: "))
        .and_then(|count| count.parse::<u32>().ok())
        .context("the client does not say how often it was asked")?;
    ensure!((3..=30).contains(&tries), "{tries} questions were answered");
    Ok(())
}

/// The prompt says that a code works once, in the person's language; and says the same whatever the code before was.
#[test]
fn the_prompt_says_that_a_code_works_once() -> Result<()> {
    let site = site_without_memory()?;
    for (person, words) in [
        ("alice", "Each code works once"),
        ("bruno", "Chaque code ne sert qu'une fois"),
    ] {
        told(site.ssh(person))
            .run("flows")
            .answer()?
            .success()?
            .says(&[words])?;
    }
    let wrong = wrong_code(&site)?;
    let (unattended, guessed) = (
        unattended(&told(site.ssh("alice")).run("flows"))?,
        told(site.ssh("alice")).code(&wrong).run("flows").answer()?,
    );
    // The first time; whoever is asked again has proven both keys, and is told what became of the code.
    let said =
        |answer: &Answer| -> Vec<String> { after_banner(answer).into_iter().take(2).collect() };
    ensure!(
        said(&unattended) == said(&guessed)
            && said(&guessed).concat().contains("Each code works once"),
        "{unattended:?} {guessed:?}"
    );
    Ok(())
}

/// DESIGN §5: who has proven both keys is told that a code was wrong and how many more block them; and reads the same of a
/// code that was right once. Who is blocked by it is told so.
#[test]
fn whoever_proved_their_keys_is_told_of_a_wrong_code() -> Result<()> {
    let site = site_without_memory()?;
    let used = site.fresh_code("alice")?;
    site.ssh("alice")
        .code(&used)
        .run("flows")
        .answer()?
        .success()?;
    let wrong = wrong_code(&site)?;
    let thrice = |code: &str| {
        let ssh = told(site.ssh("alice")).code(code).run("flows");
        let mut command = Command::new("setsid");
        command.arg("--wait").args(three_prompts(&ssh));
        command.envs(ssh.variables());
        client::run(&mut command, &[], Duration::from_secs(60))?.denied()
    };
    // The code that was just used is refused without counting.
    let again = thrice(&used)?;
    ensure!(
        again
            .errors
            .contains("3 more wrong codes and no code is looked at for 30 minutes"),
        "{again:?}"
    );
    // Nor does what is no code at all, such as a password; and it is told so.
    for none in ["hunter2 hunter2", "12345", ""] {
        let told = thrice(none)?;
        ensure!(
            told.errors
                .contains("Six digits are wanted here, no password and no empty line."),
            "{none:?}: {told:?}"
        );
    }
    let guessed = thrice(&wrong)?;
    for words in [
        "That code was not accepted: it is wrong, or was used before.",
        "2 more wrong codes and no code is looked at for 30 minutes",
        "One more wrong code and no code is looked at for 30 minutes",
        // Of the third: OpenSSH asks no fourth time.
        "No code is looked at until ",
    ] {
        ensure!(guessed.errors.contains(words), "{words}: {guessed:?}");
    }
    ensure!(
        guessed
            .errors
            .lines()
            .all(|line| line.chars().count() <= 72),
        "{guessed:?}"
    );
    thrice(&wrong)?.says(&["No code is looked at until "])?;
    // Without the station's key nobody is told anything.
    let stranger = told(site.ssh("bruno"))
        .key(&key(&site, "bruno"))
        .run("flows")
        .answer()?
        .denied()?;
    ensure!(!stranger.errors.contains("code"), "{stranger:?}");
    Ok(())
}

/// What was said but for the banner, which everybody reads before they say who they are.
fn after_banner(answer: &Answer) -> Vec<String> {
    let errors = &answer.errors;
    let banner_ends = errors
        .find("may be watched.")
        .map_or(0, |at| at + "may be watched.".len());
    let lines = errors
        .get(banner_ends..)
        .unwrap_or_default()
        .trim_start()
        .lines();
    lines.map(str::to_owned).collect()
}

/// DESIGN §5: who has proven both keys reads "expired", "disabled" and "blocked until"; who has not reads nothing.
#[test]
fn whoever_proved_their_keys_is_told_what_keeps_them_out() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.technician("alice")?.expires = Some(ecluse_tests::clock::date_in(3)?);
        Ok(())
    })?;
    let wrong = wrong_code(&site)?;
    for _ in 0..3 {
        site.ssh("alice")
            .code(&wrong)
            .run("flows")
            .answer()?
            .denied()?;
    }
    let silent = |site: &Site, what: &str| -> Result<()> {
        let strangers = [
            told(site.ssh("alice")).key(&key(site, "alice")),
            told(site.ssh("alice")).key(&key(site, "ws-1")),
            told(site.ssh("alice"))
                .key(&key(site, "ws-1"))
                .key(&key(site, "bruno")),
            told(site.ssh("nobody")).key(&key(site, "ws-1")),
        ];
        for ssh in strangers {
            let answer = ssh.run("flows").answer()?.denied()?;
            let words = after_banner(&answer);
            ensure!(
                matches!(words.as_slice(), [only] if only.contains("Permission denied")),
                "{what}: {words:?}"
            );
        }
        Ok(())
    };
    told(site.ssh("alice"))
        .run("flows")
        .answer()?
        .denied()?
        .says(&[
            "No code is looked at until ",
            "ask the gateway's administrator",
        ])?;
    silent(&site, "blocked")?;

    site.clock().advance(5 * 86_400)?;
    told(site.ssh("alice"))
        .run("flows")
        .answer()?
        .denied()?
        .says(&["Your account expired "])?;
    silent(&site, "expired")?;

    site.apply(|documents| {
        documents.technician("bruno")?.disabled = true;
        Ok(())
    })?;
    ecluse_tests::wait::until_true("the end of bruno's account", Duration::from_secs(5), || {
        let answer = told(site.ssh("bruno")).run("flows").answer()?;
        Ok(answer.status == Some(255) && answer.errors.contains("Votre compte est hors service."))
    })
}

/// An account that is over is told so where its second factor is remembered, too.
#[test]
fn a_remembered_code_does_not_hide_what_keeps_somebody_out() -> Result<()> {
    let mut site = Site::start()?;
    site.ssh("alice").run("flows").answer()?.success()?;
    site.apply(|documents| {
        documents.technician("alice")?.disabled = true;
        Ok(())
    })?;
    ecluse_tests::wait::until_true("the end of alice's account", Duration::from_secs(5), || {
        let answer = told(site.ssh("alice")).run("flows").answer()?;
        Ok(answer.status == Some(255) && answer.errors.contains("Your account is disabled."))
    })
}

/// While somebody is blocked no code is looked at, so none is used up; an administrator ends the block on record, and the
/// operators concerned read of both.
#[test]
fn a_block_is_told_listed_and_ended_on_record() -> Result<()> {
    let site = site_without_memory()?;
    let wrong = wrong_code(&site)?;
    for _ in 0..3 {
        site.ssh("alice")
            .code(&wrong)
            .run("flows")
            .answer()?
            .denied()?;
    }
    let code = site.fresh_code("alice")?;
    told(site.ssh("alice"))
        .code(&code)
        .run("flows")
        .answer()?
        .denied()?
        .says(&["No code is looked at until "])?;
    let (_, listed) = administrator(&site, &["accounts", "--wide"])?;
    let state = |listed: &str, person: &str| {
        listed
            .lines()
            .find(|line| line.starts_with(person))
            .unwrap_or_default()
            .to_owned()
    };
    ensure!(
        state(&listed, "alice").contains("blocked by wrong codes until"),
        "{listed}"
    );
    ensure!(!state(&listed, "bruno").contains("blocked"), "{listed}");
    let pending = site.operator(&["pending"])?.success()?;
    ensure!(
        pending.text().contains("The account of alice was blocked"),
        "{}",
        pending.text()
    );

    let (done, said) = administrator(&site, &["accounts", "unlock", "alice"])?;
    ensure!(done && said.contains("alice may log on again"), "{said}");
    site.ssh("alice")
        .code(&code)
        .run("flows")
        .answer()?
        .success()?;
    let records = store::audit(&site, "lockout-lifted")?;
    ensure!(
        records.len() == 1
            && records
                .iter()
                .all(|record| record.to_string().contains("(uid ")),
        "{records:?}"
    );
    let pending = site.operator(&["pending"])?.success()?;
    ensure!(
        pending.text().contains("ended the block of alice"),
        "{}",
        pending.text()
    );
    let (done, said) = administrator(&site, &["accounts", "unlock", "alice"])?;
    ensure!(!done && said.contains("alice is not blocked"), "{said}");
    let (done, said) = administrator(&site, &["accounts", "unlock", "zoe"])?;
    ensure!(
        !done && said.contains("zoe is not in the documents"),
        "{said}"
    );
    Ok(())
}

/// A8: a technician who does not come for the time that was set is disabled until an administrator enables them; an operator
/// is only listed.
#[test]
fn unused_accounts_of_technicians_are_disabled() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.settings.authentication = vec!["unused = \"30d\"".to_owned()];
        Ok(())
    })?;
    for person in ["alice", "odile"] {
        let words = if person == "alice" {
            "flows"
        } else {
            "pending"
        };
        site.ssh(person).run(words).answer()?.success()?;
    }
    site.clock().advance(29 * 86_400)?;
    site.ssh("alice").run("flows").answer()?.success()?;
    // Bruno was enrolled, and never came.
    site.clock().advance(2 * 86_400)?;
    told(site.ssh("bruno"))
        .run("flows")
        .answer()?
        .denied()?
        .says(&["Votre compte est hors service : il n'a pas servi depuis "])?;
    let (_, listed) = administrator(&site, &["accounts", "--wide"])?;
    let line = |person: &str| {
        listed
            .lines()
            .find(|line| line.starts_with(person))
            .unwrap_or_default()
    };
    ensure!(
        line("bruno").contains("disabled: not used since"),
        "{listed}"
    );
    ensure!(
        line("odile").contains("in force, not used since"),
        "{listed}"
    );
    ensure!(
        line("alice").contains("in force") && !line("alice").contains("not used"),
        "{listed}"
    );
    ensure!(
        listed.contains("LAST LOG-ON") && listed.contains("EXPIRES"),
        "{listed}"
    );
    site.ssh("odile").run("pending").answer()?.success()?;

    let (done, said) = administrator(&site, &["accounts", "enable", "alice"])?;
    ensure!(!done && said.contains("alice is not disabled"), "{said}");
    let (done, said) = administrator(&site, &["accounts", "enable", "bruno"])?;
    ensure!(done && said.contains("bruno may log on again"), "{said}");
    site.ssh("bruno").run("flows").answer()?.success()?;
    ensure!(store::audit(&site, "account-enabled")?.len() == 1);
    let pending = site.operator(&["pending"])?.success()?;
    ensure!(
        pending.text().contains("enabled the account of bruno"),
        "{}",
        pending.text()
    );
    Ok(())
}

/// The time to log on is over. Whoever proved their keys and still thinks about the code reads so; a stranger reads
/// nothing.
#[test]
fn the_end_of_the_time_to_log_on_is_said_to_whoever_proved_their_keys() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.settings.limits = vec!["authenticate-within = \"10s\"".to_owned()];
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    let terminal = Terminal::open(site.layout(), &site.ssh("alice").arguments(), &[], 100, 24)?;
    terminal.sees("One-time code:")?;
    let late = |person: &str| -> Result<bool> {
        let refused = store::audit(&site, "log-on-refused")?;
        Ok(refused.iter().any(|record| {
            let record = record.to_string();
            record.contains(person) && record.contains("did not log on within 10s")
        }))
    };
    // OpenSSH waits for its person, and hears of nothing meanwhile.
    ecluse_tests::wait::until_true("the end of the time", Duration::from_secs(30), || {
        late("alice")
    })?;
    terminal.enters("123456")?;
    terminal.sees("The time to log on is over (10 seconds). Connect again.")?;
    ensure!(terminal.ends()? == 255);
    Ok(())
}
