//! What somebody tried and did not get is on record with their client, whole, and nothing in it reads like something else.
//! R4, R5, A9, O8.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, keys, peers, recording, store, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

fn open_site() -> Result<Site> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    Ok(site)
}

fn text<'r>(record: &'r Value, pointer: &str) -> &'r str {
    record
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// R5, F1: every kind of channel and request that asks for a flow, those too of which the SSH library knows nothing; what
/// comes again is counted; what asks for nothing accuses nobody.
#[test]
fn each_kind_that_asks_for_a_flow_is_on_record() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let answer = peers::run(&site, "hostile_client", &["each_kind", "alice+db01"])?.success()?;
    ensure!(answer.text() == "other: still here\n", "{answer:?}");
    let x = "x".repeat(20);
    let mut asked = [
        "X11 forwarding".to_owned(),
        "agent forwarding".to_owned(),
        "a break".to_owned(),
        "a channel of type forwarded-streamlocal@openssh.com".to_owned(),
        "a channel of type forwarded-tcpip".to_owned(),
        "a channel of type nonsense@example.org".to_owned(),
        "a channel of type tun@openssh.com".to_owned(),
        format!("a connection to the socket {x}"),
        format!("a connection to {x}:22"),
        format!("a remote forward from the socket {x}"),
        format!("a remote forward from {x}:0"),
        "a request of type nonsense@example.org".to_owned(),
        // The library tells no name of this: `nonsense@example.org`, with the twenty letters that it says.
        // `no-more-sessions@openssh.com` is none.
        "a request to the connection, of unknown type and 44 bytes".to_owned(),
        format!("the subsystem {x}"),
        format!("the variable {x}"),
    ];
    asked.sort();
    let told = || -> Result<BTreeMap<String, Vec<Value>>> {
        let mut by_flow: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in store::audit_of(&site, Some("hopital"), "flow-refused")? {
            by_flow
                .entry(text(&record, "/detail/flow").to_owned())
                .or_default()
                .push(record);
        }
        Ok(by_flow)
    };
    let again = "1 more on this connection";
    wait::until_true("what came again on record", PATIENCE, || {
        let told = told()?;
        let counted = |flow: &str| {
            let records = told.get(flow).map(Vec::as_slice).unwrap_or_default();
            records.len() == 2
                && records
                    .iter()
                    .any(|record| text(record, "/reason") == again)
        };
        Ok(counted("a channel of type tun@openssh.com")
            && counted("a channel of type nonsense@example.org"))
    })?;
    let told = told()?;
    ensure!(told.keys().eq(asked.iter()), "{:#?}", told.keys());
    ensure!(
        told.values()
            .flatten()
            .all(|record| text(record, "/person") == "alice" && text(record, "/target") == "db01"),
        "{told:#?}"
    );
    // Each is an event of the session too.
    recording::wait_for_casts(&site.layout().recordings(), 2)?;
    let replayed = site.auditor(&["replay", "2", "--text"])?.success()?.text();
    for flow in &asked {
        ensure!(
            replayed.contains(flow.as_str()),
            "{flow} is not in:\n{replayed}"
        );
    }
    Ok(())
}

/// R5: what a channel that runs is asked for again is on record, once and counted, and a global request without an answer; a
/// keepalive is not.
#[test]
fn what_comes_too_late_is_on_record() -> Result<()> {
    let site = Site::start()?;
    site.proven("alice", "db01")?;
    let answer = peers::run(&site, "hostile_client", &["too_late", "alice+db01"])?.success()?;
    ensure!(answer.text() == "other: still here\n", "{answer:?}");
    let refused = || store::audit_of(&site, Some("hopital"), "flow-refused");
    wait::until_true("what came again on record", PATIENCE, || {
        let again = |record: &Value| text(record, "/reason") == "1 more on this connection";
        Ok(refused()?.iter().any(again))
    })?;
    let refused = refused()?;
    let mut told: Vec<&str> = refused
        .iter()
        .map(|record| text(record, "/detail/flow"))
        .filter(|flow| !flow.contains("yyy"))
        .collect();
    told.sort_unstable();
    ensure!(
        told == [
            "a request to the connection, of unknown type and 22 bytes",
            "a shell",
            "a shell",
            "a terminal",
            "the command `id -u`",
        ],
        "{told:?}"
    );
    let late = |flow: &str| {
        let reason = "comes too late on this channel; ask for it on another";
        refused.iter().any(|record| {
            text(record, "/detail/flow").contains(flow) && text(record, "/reason").contains(reason)
        })
    };
    ensure!(
        late("a shell") && late("a terminal") && late("id -u"),
        "{refused:#?}"
    );
    // Of one that is long and did not run, the beginning, the length and the digest.
    let whole = refused.iter().map(|record| text(record, "/detail/command"));
    ensure!(
        whole
            .into_iter()
            .any(|command| command.contains("yyy… (300 bytes, SHA-256 ")),
        "{refused:#?}"
    );
    Ok(())
}

/// R5, F1: variables that do not reach the target are named, once for all that a channel asked for; those that do are shown.
#[test]
fn variables_are_on_record_whether_they_pass_or_not() -> Result<()> {
    let site = open_site()?;
    let answer = site
        .ssh("alice+db01")
        .option("SetEnv LC_X=hello LD_PRELOAD=/x FOO=bar")
        .run("echo \"$LC_X $FOO\"")
        .answer()?
        .success()?;
    ensure!(answer.text() == "hello \n", "{answer:?}");
    let permits = store::audit(&site, "permit")?;
    let [.., permit] = permits.as_slice() else {
        anyhow::bail!("no permit");
    };
    ensure!(
        permit["detail"]["variables"] == serde_json::json!(["LC_X"])
            && permit["detail"]["variables-refused"] == serde_json::json!(["FOO", "LD_PRELOAD"]),
        "{permit:#}"
    );
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let replayed = site.auditor(&["replay", "1", "--text"])?.success()?.text();
    ensure!(
        replayed.contains(" LC_X=hello\n")
            && replayed.contains("the variables FOO, LD_PRELOAD: not sent to the target"),
        "{replayed}"
    );
    // Whoever lists what was refused reads of them without guessing a word.
    let listed = site.auditor(&["search", "--in", "refusal"])?.success()?;
    ensure!(listed.text().contains("LD_PRELOAD"), "{listed:?}");
    Ok(())
}

/// R5: two commands never read alike, and a name that is too long to show is on record whole.
#[test]
fn a_command_is_on_record_so_that_it_reads_one_way() -> Result<()> {
    let site = open_site()?;
    site.ssh("alice+db01")
        .run(OsString::from_vec(b": \x9b".to_vec()))
        .answer()?
        .success()?;
    site.ssh("alice+db01")
        .run(": '‹0x9B›'")
        .answer()?
        .success()?;
    let permits = store::audit(&site, "permit")?;
    let commands: Vec<&str> = permits
        .iter()
        .map(|permit| text(permit, "/detail/command"))
        .collect();
    ensure!(
        commands == [": ‹0x9B›", ": '‹U+2039›0x9B›'"],
        "{commands:?}"
    );
    let name = "S".repeat(200);
    let refused = site
        .ssh("alice+db01")
        .flag("-s")
        .run(name.as_str())
        .answer()?;
    ensure!(refused.status != Some(0), "{refused:?}");
    wait::until_true("the whole name on record", PATIENCE, || {
        let refusals = store::audit(&site, "flow-refused")?;
        Ok(refusals
            .iter()
            .any(|record| text(record, "/detail/name") == name))
    })
}

/// A second client with an operator and an auditor of its own.
fn with_a_mairie(plan: &mut ecluse_tests::Plan) -> Result<()> {
    let mut text = "[client]\nid = \"mairie\"\nname = \"Mairie\"\nlang = \"en\"\n".to_owned();
    for (role, id) in [("operator", "oscar"), ("auditor", "aurore")] {
        let key = keys::pair(&plan.layout, id)?;
        text.push_str(&format!(
            "\n[[{role}]]\nid = \"{id}\"\nname = \"{id}\"\nlang = \"en\"\nkeys = [\"{key}\"]\n"
        ));
        plan.enrolled.push(id.to_owned());
    }
    let clients = plan.layout.config().join("clients");
    fs::create_dir_all(&clients)?;
    fs::write(clients.join("mairie.toml"), text)?;
    Ok(())
}

/// R5, R9: whoever tries numbers that are not their client's is answered as if there were none, and is on record with their
/// own client, which learns nothing of the other.
#[test]
fn numbers_of_another_client_are_not_tried_without_a_trace() -> Result<()> {
    let site = Site::start_with(with_a_mairie)?;
    let number = site.approved("alice", "db01")?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let tries = [
        ("oscar", "approve", ""),
        ("oscar", "refuse", " --reason no"),
        ("oscar", "withdraw", " --reason no"),
        ("oscar", "watch", ""),
        ("oscar", "cut", ""),
        ("oscar", "hold", " --reason no"),
        ("oscar", "resume", ""),
        ("oscar", "slow", " 8KiB/s"),
        ("oscar", "ask", " why"),
        ("aurore", "replay", " --text"),
    ];
    for (who, act, more) in tries {
        for named in [number, 77] {
            let answer = site
                .ssh(who)
                .key(&site.layout().key(who))
                .run(format!("{act} {named}{more}"))
                .answer()?;
            ensure!(answer.status == Some(1), "{who}: {act} {named}: {answer:?}");
        }
    }
    let answer = site.ssh("bruno").run(format!("cancel {number}")).answer()?;
    ensure!(answer.status == Some(1), "{answer:?}");

    let theirs = store::audit_of(&site, Some("mairie"), "act-refused")?;
    let found: Vec<(&str, &str, &str)> = theirs
        .iter()
        .map(|record| {
            (
                text(record, "/person"),
                text(record, "/detail/act"),
                text(record, "/detail/named").trim_start_matches('#'),
            )
        })
        .collect();
    let one = number.to_string();
    let expected: Vec<(&str, &str, &str)> = tries
        .iter()
        .flat_map(|(who, act, _)| [(*who, *act, one.as_str()), (*who, *act, "77")])
        .collect();
    ensure!(found == expected, "{found:?}");
    for (seq, _, entry) in store::entries(&site, "mairie")? {
        // Whole words: a digest may hold the letters `db01`.
        let told = entry.split(|letter: char| !letter.is_ascii_alphanumeric());
        for word in told {
            ensure!(
                !["hopital", "db01", "odile", "alice"].contains(&word),
                "entry {seq} tells of {word}: {entry}"
            );
        }
    }
    ensure!(
        store::audit_of(&site, Some("hopital"), "act-refused")?.is_empty(),
        "the other client is told"
    );
    let own = store::audit_of(&site, None, "act-refused")?;
    ensure!(
        own.iter().any(|record| text(record, "/person") == "bruno"
            && text(record, "/detail/act") == "cancel"
            && text(record, "/detail/named").trim_start_matches('#') == one),
        "{own:?}"
    );
    Ok(())
}

/// R1, R3: a byte that somebody changes in the recording of a running session is named at once by who verifies, and is an
/// entry and an alert when the session ends: nobody waits for another start of the gateway.
#[test]
fn a_recording_changed_while_its_session_runs_is_on_record_when_it_ends() -> Result<()> {
    let site = open_site()?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo here; head -c 20000 /dev/urandom | base64; cat")
        .spawn()?;
    running.first_line()?;
    let live = recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("live.journal")
    })?;
    let live = live.first().context("no live recording")?;
    wait::until_true("the output recorded", PATIENCE, || {
        Ok(fs::metadata(live)?.len() > 8000)
    })?;
    let file = OpenOptions::new().read(true).write(true).open(live)?;
    let at = file.metadata()?.len() - 2000;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    file.write_all_at(&[byte[0] ^ 1], at)?;
    let verified = || -> Result<(bool, String)> {
        let told = site.gateway().try_run(["journal", "verify"], "")?;
        let text = String::from_utf8_lossy(&told.stdout).into_owned()
            + &String::from_utf8_lossy(&told.stderr);
        Ok((told.status.success(), text))
    };
    let (intact, told) = verified()?;
    ensure!(!intact && told.contains("was altered"), "{told}");

    site.operator(&["cut", "all"])?.success()?;
    wait::until_true("the damage on record", PATIENCE, || {
        let failed = store::audit_of(&site, Some("hopital"), "recording-failed")?;
        Ok(failed
            .iter()
            .any(|record| text(record, "/reason").contains("damaged, kept as")))
    })?;
    let kept = recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("damaged.journal")
    })?;
    ensure!(kept.len() == 1, "{kept:?}");
    let (intact, told) = verified()?;
    ensure!(!intact && told.contains("found damaged"), "{told}");
    let told = site.operator(&["live"])?.success()?;
    let told = told.text() + &told.errors;
    ensure!(told.contains("damaged"), "no operator is told: {told}");
    Ok(())
}

/// R1, R3: a live recording that somebody deletes is an entry and an alert when its session ends, and missing to whoever
/// verifies: nobody waits for another start of the gateway.
#[test]
fn a_recording_taken_away_while_its_session_runs_is_on_record_when_it_ends() -> Result<()> {
    let site = open_site()?;
    let mut running = site.ssh("alice+db01").run("echo here; cat").spawn()?;
    running.first_line()?;
    let live = recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("live.journal")
    })?;
    fs::remove_file(live.first().context("no live recording")?)?;
    site.operator(&["cut", "all"])?.success()?;
    wait::until_true("the loss on record", PATIENCE, || {
        let failed = store::audit_of(&site, Some("hopital"), "recording-failed")?;
        Ok(failed
            .iter()
            .any(|record| text(record, "/reason").contains("was taken away")))
    })?;
    let told = site.operator(&["live"])?.success()?;
    let told = told.text() + &told.errors;
    ensure!(
        told.contains("was taken away"),
        "no operator is told: {told}"
    );
    let verified = site.gateway().try_run(["journal", "verify"], "")?;
    let told = String::from_utf8_lossy(&verified.stdout);
    ensure!(
        !verified.status.success() && told.contains("missing: "),
        "{told}"
    );
    Ok(())
}

/// A9, O8: the administrator's list names every account with its role, its rights and how it is proven, the mechanisms, and
/// every credential of a target with who set it when; and no secret.
#[test]
fn a9_o8_every_account_and_credential_is_listed() -> Result<()> {
    let site = Site::start()?;
    let listed = site.gateway().run(["accounts", "--wide"], "")?;
    let line = |name: &str| -> Result<String> {
        let found = listed
            .lines()
            .find(|line| line.trim_start().starts_with(name));
        Ok(found
            .with_context(|| format!("{name} is not in:\n{listed}"))?
            .to_owned())
    };
    for (person, role) in [
        ("alice", "technician of "),
        ("bruno", "technician of "),
        ("odile", "operator of hopital"),
        ("aurele", "auditor of hopital"),
    ] {
        let line = line(person)?;
        for part in [role, "ssh-ed25519 SHA256:", "TOTP since", "in force"] {
            ensure!(line.contains(part), "{part:?} is not in {line:?}");
        }
    }
    ensure!(line("ws-1")?.contains("SHA256:"), "{listed}");
    let credential = line("db01")?;
    let account = ecluse_tests::target::account()?;
    ensure!(credential.contains(&account), "{credential}");
    for words in [
        "TOTP, RFC 6238, six digits, HMAC-SHA-1",
        "No password opens an account",
    ] {
        ensure!(listed.contains(words), "{words:?} is not in:\n{listed}");
    }
    ensure!(!listed.contains("PRIVATE KEY"), "a secret is shown");
    Ok(())
}
