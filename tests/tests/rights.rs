//! O4, A8: every act by everybody, through `ssh`: technicians, operators and auditors, of this client and of another,
//! in force and switched off.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::client::Answer;
use ecluse_tests::layout::write_private;
use ecluse_tests::{Site, keys, store, wait};

const OTHER_OPERATOR: &str = "other-operator";
const OTHER_AUDITOR: &str = "other-auditor";

const FOR_TECHNICIANS: &str = "This is for a provider's technicians";
const FOR_OPERATORS: &str = "This is for the client's operators";
const FOR_AUDITORS: &str = "This is for the client's auditors";

/// A site with a session of alice, and another client that has an operator and an auditor.
fn two_clients() -> Result<Site> {
    let site = Site::start_with(|plan| {
        let mut mairie =
            String::from("[client]\nid = \"mairie\"\nname = \"Mairie\"\nlang = \"en\"\n");
        for (table, id) in [("operator", OTHER_OPERATOR), ("auditor", OTHER_AUDITOR)] {
            let key = keys::pair(&plan.layout, id)?;
            mairie.push_str(&format!(
                "[[{table}]]\nid = \"{id}\"\nname = \"{id}\"\nkeys = [\"{key}\"]\n"
            ));
            plan.enrolled.push(id.to_owned());
        }
        write_private(&plan.layout.config().join("clients/mairie.toml"), &mairie)?;
        plan.documents.technician("bruno")?.lang = "en".to_owned();
        Ok(())
    })?;
    site.proven("alice", "db01")?;
    Ok(site)
}

/// A command of `person` at the gateway, over one connection a person.
fn told(site: &Site, person: &str, line: &str) -> Result<Answer> {
    let mut ssh = site.ssh(person).shared(person);
    if [OTHER_OPERATOR, OTHER_AUDITOR].contains(&person) {
        ssh = ssh.key(&site.layout().key(person));
    }
    ssh.run(line).answer()
}

#[derive(Clone, Copy)]
enum Comes {
    /// It is done, and says this.
    Done(&'static str),
    /// It is done, and says nothing of this client.
    DoneWithout(&'static str),
    /// It is not done, and says why.
    Not(&'static str),
}
use Comes::{Done, DoneWithout, Not};

/// Every act, and what comes of it for: alice, bruno, odile, another client's operator, aurele, another client's auditor.
const ACTS: &[(&str, [Comes; 6])] = {
    const T: Comes = Not(FOR_TECHNICIANS);
    const O: Comes = Not(FOR_OPERATORS);
    const A: Comes = Not(FOR_AUDITORS);
    &[
        ("flows", [Done("db01"), Done("db01"), T, T, T, T]),
        (
            "interventions",
            [
                Done("monthly check"),
                DoneWithout("monthly check"),
                Done("monthly check"),
                DoneWithout("monthly check"),
                Done("monthly check"),
                DoneWithout("monthly check"),
            ],
        ),
        (
            "request db01 --for 1h --reason again",
            [Done("#2"), Done("#3"), T, T, T, T],
        ),
        ("pending", [O, O, Done("again"), DoneWithout("again"), O, O]),
        ("approve 2", [O, O, Done("#2 is approved"), Not("#2"), O, O]),
        ("refuse 3 --reason no", [O, O, Done("#3"), Not("#3"), O, O]),
        ("cancel 2", [Done("#2"), Not("#2"), T, T, T, T]),
        ("live", [O, O, Done("alice"), DoneWithout("alice"), O, O]),
        // Whoever may watch has no terminal here; the others are refused before that is looked at.
        ("watch 2", [O, O, Not("terminal"), Not("2"), O, O]),
        (
            "recordings",
            [A, A, A, A, Done("alice"), DoneWithout("alice")],
        ),
        (
            "search true",
            [A, A, A, A, Done("alice"), DoneWithout("alice")],
        ),
        ("replay 1", [A, A, A, A, Done("alice"), Not("1")]),
        (
            "replay 1 --unmask",
            [
                A,
                A,
                A,
                A,
                Not("Masked input is not shown to you"),
                Not("1"),
            ],
        ),
        ("cut 2", [O, O, Done("2"), Not("2"), O, O]),
        (
            "withdraw 1 --reason enough",
            [O, O, Done("#1"), Not("#1"), O, O],
        ),
        // Nobody is in passage any more; those who wait in the lobby are shown out.
        ("cut all", [O, O, Done("alice, bruno"), Not("all"), O, O]),
    ]
};

#[test]
fn every_act_is_for_those_whom_policy_names() -> Result<()> {
    let site = two_clients()?;
    recording_is_searchable(&site)?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec sleep 1000")
        .spawn()?;
    running.first_line()?;
    let people = [
        "alice",
        "bruno",
        "odile",
        OTHER_OPERATOR,
        "aurele",
        OTHER_AUDITOR,
    ];
    let mut refused = 0;
    for (line, comes) in ACTS {
        // Whoever may do it comes last: the others find it still undone.
        let mut turns: Vec<_> = people.iter().zip(comes).collect();
        turns.sort_by_key(|(_, comes)| !matches!(comes, Not(_)));
        for (person, comes) in turns {
            let answer = told(&site, person, line)?;
            let text = answer.text();
            match comes {
                Done(said) => ensure!(
                    answer.status == Some(0) && text.contains(said),
                    "{person}: {line}: {answer:?}"
                ),
                DoneWithout(said) => ensure!(
                    answer.status == Some(0) && !text.contains(said),
                    "{person}: {line}: {answer:?}"
                ),
                Not(said) => {
                    ensure!(
                        answer.status == Some(1) && answer.errors.contains(said) && text.is_empty(),
                        "{person}: {line}: {answer:?}"
                    );
                    let policy = [FOR_TECHNICIANS, FOR_OPERATORS, FOR_AUDITORS];
                    refused += usize::from(policy.contains(said));
                }
            }
        }
    }
    ensure!(running.answer()?.status != Some(0), "the cut ended nothing");
    let mut on_record = store::audit(&site, "act-refused")?;
    // Those that name what is not theirs are of nobody's right to the act.
    on_record.retain(|record| record["detail"]["named"].is_null());
    ensure!(
        on_record.len() == refused && refused > 50,
        "{} of {refused} refusals are on record",
        on_record.len()
    );
    Ok(())
}

/// The first session's recording is sealed: a search finds its command.
fn recording_is_searchable(site: &Site) -> Result<()> {
    wait::until_sealed("a sealed recording", || {
        let text = told(site, "aurele", "search true")?.text();
        Ok(text.contains("alice").then_some(()))
    })
}

/// A8: somebody switched off does nothing over the connection that they have.
#[test]
fn whoever_is_switched_off_does_nothing_more() -> Result<()> {
    let site = two_clients()?;
    let number = site.request("bruno", "db01")?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec sleep 1000")
        .spawn()?;
    running.first_line()?;
    let acts = [
        (
            "odile",
            "clients/hopital.toml",
            "live",
            format!("approve {number}"),
        ),
        (
            "odile",
            "clients/hopital.toml",
            "live",
            "cut all".to_owned(),
        ),
        (
            "aurele",
            "clients/hopital.toml",
            "recordings",
            "replay 1".to_owned(),
        ),
        (
            "bruno",
            "providers/maintech.toml",
            "flows",
            format!("cancel {number}"),
        ),
    ];
    for (person, file, looks, acts) in acts {
        wait::until_true("their rights", Duration::from_secs(60), || {
            Ok(told(&site, person, looks)?.status == Some(0))
        })?;
        let file = site.layout().config().join(file);
        let before = fs::read_to_string(&file)?;
        let id = format!("id = \"{person}\"\n");
        ensure!(
            before.contains(&id),
            "{person} is not in {}",
            file.display()
        );
        fs::write(
            &file,
            before.replace(&id, &format!("{id}disabled = true\n")),
        )?;
        apply(&site)?;
        // The gateway takes new documents into force within a moment.
        wait::until_true("the end of their rights", Duration::from_secs(60), || {
            Ok(told(&site, person, looks)?.status != Some(0))
        })?;
        let answer = told(&site, person, &acts)?;
        ensure!(
            answer.status != Some(0) && answer.text().is_empty(),
            "{person}: {acts}: {answer:?}"
        );
        fs::write(&file, before)?;
        apply(&site)?;
    }
    ensure!(running.child.try_wait()?.is_none(), "somebody cut");
    let pending = told(&site, "odile", "pending")?.success()?.text();
    ensure!(pending.contains(&format!("#{number}")), "{pending}");
    Ok(())
}

fn apply(site: &Site) -> Result<()> {
    let config = site.layout().config();
    site.gateway()
        .run([Path::new("apply"), &config], "")
        .context("the documents")?;
    Ok(())
}
