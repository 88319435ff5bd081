//! What of a client is taken out: a time, and nothing else; what ran out; what left; and what is asked for wrongly. O1, R7.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Plan, Site, keys, store, wait};
use serde_json::Value;

use crate::bundles::{ends_with, recorded, said};

fn ecluse(site: &Site, arguments: &[&str]) -> Result<Output> {
    let mut command = site.gateway().command(arguments);
    Ok(command.envs(site.clock().environment()?).output()?)
}

/// Takes evidence out, which must be whole, and verify.
fn export(site: &Site, asked: &[&str], name: &str) -> Result<PathBuf> {
    let bundle = site.layout().root().join(name);
    let output = bundle.display().to_string();
    let all = [&["export"], asked, &["--output", &output]].concat();
    ends_with(&ecluse(site, &all)?, 0, &[])?;
    let told = site.gateway().try_run([Path::new("verify"), &bundle], "")?;
    ends_with(&told, 0, &["intact"])?;
    Ok(bundle)
}

fn entries(bundle: &Path) -> Result<Vec<Value>> {
    let read = Command::new("tar")
        .arg("-xOf")
        .arg(bundle)
        .arg("entries.jsonl")
        .output()?;
    ensure!(read.status.success(), "{}", said(&read));
    let lines = String::from_utf8(read.stdout)?;
    lines
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

fn session(site: &Site) -> Result<()> {
    let before = store::audit(site, "recording-sealed")?.len();
    site.ssh("alice+db01").run("true").answer()?.success()?;
    wait::until_true("the seal on record", Duration::from_secs(120), || {
        Ok(store::audit(site, "recording-sealed")?.len() == before + 1)
    })
}

/// O1: a window that splits an intervention has the session that began in it and not the other, and of the trail what lies
/// in it, to its end.
#[test]
fn o1_a_window_holds_what_is_of_its_time_and_no_more() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved("alice", "db01")?;
    session(&site)?;
    site.clock().advance(3600)?;
    session(&site)?;
    site.auditor(&["recordings"])?.success()?;
    let early = export(&site, &["--client", "hopital", "--to", "30m"], "early.tar")?;
    let late = export(&site, &["--client", "hopital", "--from", "30m"], "late.tar")?;
    let middle = export(
        &site,
        &["--client", "hopital", "--from", "45m", "--to", "15m"],
        "middle.tar",
    )?;
    let half_an_hour_ago = site.clock().micros()? - 30 * 60 * 1_000_000;
    let count = |bundle: &Path, kind: &str, late: bool| -> Result<usize> {
        let of_kind = |entry: &&Value| {
            entry.get("kind").and_then(Value::as_str) == Some(kind)
                && entry
                    .get("at")
                    .and_then(Value::as_i64)
                    .is_some_and(|at| (at > half_an_hour_ago) == late)
        };
        Ok(entries(bundle)?.iter().filter(of_kind).count())
    };
    ensure!(count(&early, "log-on", false)? > 0 && count(&early, "log-on", true)? == 0);
    ensure!(count(&late, "log-on", true)? > 0 && count(&late, "log-on", false)? == 0);
    ensure!(count(&middle, "log-on", true)? + count(&middle, "log-on", false)? == 0);
    let recordings = |bundle: &Path| -> Result<usize> {
        let listed = Command::new("tar").arg("-tf").arg(bundle).output()?;
        Ok(said(&listed).matches("/manifest.json\n").count())
    };
    ensure!(recordings(&early)? == 1 && recordings(&late)? == 1 && recordings(&middle)? == 0);
    // A gap in the window is told, though it ends before the trail does.
    let facts = Command::new("tar")
        .arg("-xOf")
        .arg(&early)
        .arg("trail.json")
        .output()?;
    let facts: Value = serde_json::from_slice(&facts.stdout)?;
    let number = |key: &str| facts.get(key).and_then(Value::as_u64);
    ensure!(
        number("whole-from") == Some(1) && number("whole-to") < number("entries"),
        "{facts}"
    );
    Ok(())
}

/// What cannot be meant is refused in words that say what can.
#[test]
fn what_is_asked_for_wrongly_is_refused_in_words() -> Result<()> {
    let site = recorded(|_| Ok(()))?;
    let output = site.layout().root().join("x.tar");
    let place = output.display().to_string();
    for (asked, told) in [
        (&[][..], "say what to take out"),
        (&["1", "--from", "1h"], "--client CLIENT"),
        (&["--intervention", "1", "--to", "1h"], "--client CLIENT"),
        (
            &["--client", "hopital", "--from", "1h", "--to", "30d"],
            "nothing lies between",
        ),
    ] {
        let all = [&["export"], asked, &["--output", &place]].concat();
        let refused = site.gateway().try_run(all, "")?;
        ensure!(
            !refused.status.success() && said(&refused).contains(told),
            "{asked:?}: {}",
            said(&refused)
        );
        ensure!(!output.exists(), "{asked:?} made a bundle");
    }
    Ok(())
}

/// O1: a request that nobody answered is evidence too.
#[test]
fn o1_a_request_that_ran_out_is_taken_out() -> Result<()> {
    let site = Site::start_with(Plan::move_clock)?;
    let number = site.request("alice", "db01")?.to_string();
    site.clock().advance(30 * 86_400)?;
    wait::until_true("the end of the request", Duration::from_secs(60), || {
        Ok(!store::audit(&site, "expiry")?.is_empty())
    })?;
    let bundle = export(&site, &["--intervention", &number], "expired.tar")?;
    let kinds = entries(&bundle)?;
    for kind in ["request", "expiry"] {
        ensure!(
            kinds
                .iter()
                .any(|entry| entry.get("kind").and_then(Value::as_str) == Some(kind)),
            "no {kind}"
        );
    }
    Ok(())
}

/// R7: what is kept of a client that left ends too, counted from the day when its document was taken out.
#[test]
fn r7_a_client_taken_out_of_the_documents_ends() -> Result<()> {
    let mut site = Site::start_with(Plan::move_clock)?;
    site.approved("alice", "db01")?;
    session(&site)?;
    site.operator(&["withdraw", "1", "--reason", "done"])?
        .success()?;
    site.close()?;
    let config = site.layout().config();
    fs::remove_file(config.join("clients/hopital.toml"))?;
    let config = config.display().to_string();
    ends_with(&ecluse(&site, &["apply", &config])?, 0, &[])?;
    site.clock().advance(300 * 86_400)?;
    let early = ecluse(&site, &["retention", "remove"])?;
    ends_with(&early, 0, &["nothing is due"])?;
    site.clock().advance(100 * 86_400)?;
    site.serve_for_a_moment()?;
    let done = ecluse(&site, &["retention", "remove"])?;
    ends_with(&done, 0, &["removed recording 1"])?;
    ends_with(&ecluse(&site, &["journal", "verify"])?, 0, &["intact"])?;
    let left = store::entries(&site, "hopital")?;
    ensure!(
        left.iter().all(|(_, _, entry)| !entry.contains("alice")),
        "somebody is still named: {left:?}"
    );
    Ok(())
}

/// C4: `--drop` without `--for` drops a reader of the document, on record; operators are told who reads and who does no more; a
/// bare directory cannot tell a rewrapping from an exchange, and accuses nobody.
#[test]
fn c4_a_reader_that_is_dropped_is_told_and_accuses_nobody() -> Result<()> {
    let more = std::cell::RefCell::new(String::new());
    let site = recorded(|plan| {
        let public = keys::reader(&plan.layout.root().join("second.age"))?;
        plan.documents.recording_recipients.push(public.clone());
        more.replace(public);
        Ok(())
    })?;
    let dropped = more.into_inner();
    let key = site.layout().recording_key().display().to_string();
    let line = [
        "recordings",
        "rewrap",
        "1",
        "--key",
        &key,
        "--drop",
        &dropped,
    ];
    let done = site.gateway().run(line, "")?;
    ensure!(done.contains(&format!("#1: - {dropped}")), "{done}");
    let records = store::audit(&site, "recording-rewrapped")?;
    ensure!(
        records.len() == 1
            && records.iter().all(|record| record
                .pointer("/detail/lost/0")
                .and_then(Value::as_str)
                == Some(&dropped)),
        "{records:?}"
    );
    // Whoever reads it no more cannot be dropped: nobody is told of a change that is none.
    let again = site.gateway().try_run(line, "")?;
    ensure!(
        again.status.code() == Some(1)
            && String::from_utf8_lossy(&again.stderr)
                .contains("does not read it, so nothing was changed"),
        "{again:?}"
    );
    ensure!(store::audit(&site, "recording-rewrapped")?.len() == 1);
    let told = site.operator(&["changes"])?.success()?.text();
    let told = told.split_whitespace().collect::<Vec<_>>().join("");
    ensure!(
        told.contains("changedwhoreadstherecordingofsession#1ondb01")
            && told.contains("Readersgained:–")
            && told.contains(&format!("Readerslost:{dropped}")),
        "{told}"
    );
    let manifests = ecluse_tests::recording::files(&site.layout().recordings(), &|path| {
        path.ends_with("manifest.json")
    })?;
    for manifest in manifests {
        let dir = manifest.parent().unwrap_or(&manifest).to_owned();
        let told = site.gateway().try_run([Path::new("verify"), &dir], "")?;
        ends_with(&told, 0, &["cannot be told here"])?;
        ensure!(!said(&told).contains("altered"), "{}", said(&told));
    }
    // And a typed yes does what --yes does.
    let first = ecluse_tests::keys::reader(&site.layout().root().join("third.age"))?;
    let line = ["recordings", "rewrap", "1", "--key", &key, "--for", &first];
    let refused = site.gateway().try_run(line, "no\n")?;
    ensure!(
        said(&refused).contains("nothing was changed"),
        "{}",
        said(&refused)
    );
    let done = site.gateway().try_run(line, "yes\n")?;
    ends_with(&done, 0, &[&format!("#1: + {first}")])?;
    // The gateway's own key has a name, where people read of it.
    let listed = site.gateway().run(["journal", "keys"], "")?;
    let own = listed
        .split_whitespace()
        .find(|word| word.starts_with("age1"));
    let own = own.context("no key of the gateway")?;
    let third = site.layout().root().join("third.age").display().to_string();
    let line = [
        "recordings",
        "rewrap",
        "1",
        "--yes",
        "--key",
        &third,
        "--for",
        "gateway",
    ];
    site.gateway().run(line, "")?;
    let told = site.operator(&["changes"])?.success()?.text();
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        words.contains("Readers gained: the gateway.") && !told.contains(own),
        "{told}"
    );
    Ok(())
}
