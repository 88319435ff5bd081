//! What is kept, and its removal at the end of its time. R7, O9.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::clock::Clock;
use ecluse_tests::{Plan, Site, clock, recording, store, wait};

fn site() -> Result<Site> {
    let site = Site::start_with(Plan::move_clock)?;
    site.approved("alice", "db01")?;
    Ok(site)
}

/// The gateway's command line at the gateway's own time.
fn ecluse(site: &Site, arguments: &[&str]) -> Result<Output> {
    Ok(site
        .gateway()
        .command(arguments)
        .envs(site.clock().environment()?)
        .output()?)
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What a command that succeeds says.
fn run(site: &Site, arguments: &[&str]) -> Result<String> {
    let output = ecluse(site, arguments)?;
    ensure!(output.status.success(), "{}", said(&output));
    Ok(said(&output))
}

fn sealed(site: &Site, count: usize) -> Result<Vec<PathBuf>> {
    wait::until("the seals", Duration::from_secs(120), || {
        let signed = |path: &std::path::Path| {
            let making = path.to_string_lossy().contains("converting.tmp");
            path.ends_with("manifest.json.sig") && !making
        };
        let found = recording::files(&site.layout().recordings(), &signed)?;
        let on_record = store::audit(site, "recording-sealed")?.len();
        Ok((found.len() == count && on_record == count).then(|| {
            found
                .iter()
                .filter_map(|file| file.parent())
                .map(PathBuf::from)
                .collect()
        }))
    })
}

/// Ends the intervention: what may still be used stays, with all that led to it.
fn over(site: &Site) -> Result<()> {
    site.operator(&["withdraw", "1", "--reason", "done"])?
        .success()?;
    Ok(())
}

fn retain(site: &mut Site, lines: &str) -> Result<()> {
    let lines = lines.to_owned();
    site.apply(|documents| {
        documents.client_tail = format!("\n[retention]\n{lines}\n");
        Ok(())
    })?;
    Ok(())
}

/// R7, O9: kept while the service goes on, for as long as agreed on after it, and under a hold; then gone, on record.
#[test]
fn recordings_are_kept_as_long_as_agreed_on_and_then_removed_on_record() -> Result<()> {
    let mut site = site()?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    site.ssh("alice+db01").run("echo two").answer()?.success()?;
    let dirs = sealed(&site, 2)?;
    over(&site)?;
    let manifest = fs::read(dirs.first().context("none")?.join("manifest.json"))?;
    let digest = {
        use sha2::{Digest, Sha256};
        let hash = Sha256::digest(&manifest);
        hash.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    site.close()?;
    let kept = |site: &Site| -> Result<()> {
        let said = run(site, &["retention", "remove"])?;
        ensure!(said.contains("nothing is due"), "{said}");
        ensure!(dirs.iter().all(|dir| dir.exists()), "something is gone");
        Ok(())
    };

    let table = run(&site, &["retention"])?;
    ensure!(table.contains("the service goes on"), "{table}");
    kept(&site)?;
    let yesterday = clock::date_in(-1)?;
    let ended = format!("regime = \"ext\"\nservice-ended = \"{yesterday}\"\nkeep = \"62d\"");
    retain(&mut site, &ended)?;
    let table = run(&site, &["retention", "--client", "hopital"])?;
    ensure!(table.contains("keep = 62d"), "{table}");
    kept(&site)?;
    site.clock().advance(61 * 86_400)?;
    kept(&site)?;
    site.clock().advance(2 * 86_400)?;
    retain(&mut site, &format!("{ended}\nlegal-hold = \"enquête\""))?;
    let table = run(&site, &["retention"])?;
    ensure!(table.contains("legal hold: enquête"), "{table}");
    kept(&site)?;
    retain(&mut site, &ended)?;
    let table = run(&site, &["retention"])?;
    ensure!(table.contains("due since"), "{table}");

    site.serve_for_a_moment()?;
    let plan = run(&site, &["retention", "remove", "--dry-run"])?;
    ensure!(
        plan.contains("would remove recording 1") && plan.contains("would remove the words"),
        "{plan}"
    );
    ensure!(
        dirs.iter().all(|dir| dir.exists()),
        "--dry-run removed something"
    );
    let before = store::entries(&site, "hopital")?.len();
    let done = run(&site, &["retention", "remove"])?;
    ensure!(
        done.contains("removed recording 1") && done.contains("removed recording 2"),
        "{done}"
    );
    ensure!(!dirs.iter().any(|dir| dir.exists()), "something is left");
    let records = store::audit(&site, "recording-destroyed")?;
    ensure!(records.len() == 2, "{records:?}");
    ensure!(
        records.iter().any(|record| {
            record
                .pointer("/detail/manifest-sha256")
                .and_then(|sha| sha.as_str())
                == Some(&digest)
        }),
        "{records:?}"
    );
    let words = store::audit(&site, "entries-destroyed")?;
    ensure!(words.len() == 1, "{words:?}");
    let after = store::entries(&site, "hopital")?;
    ensure!(
        after.len() < before,
        "no entry lost its words: {before} before"
    );
    // What tells of the document that is in force and of whom its client accepts stays, and whose second factor is.
    let stays = |entry: &str| {
        ["document-change", "people-accepted", "bound"]
            .iter()
            .any(|kind| entry.contains(&format!("\"kind\":\"{kind}\"")))
    };
    let gone = |entry: &str| stays(entry) || !entry.contains("alice");
    ensure!(
        after.iter().all(|(_, _, entry)| gone(entry)),
        "somebody is still named: {after:?}"
    );
    // Nothing twice, and the gateway goes on.
    let again = run(&site, &["retention", "remove"])?;
    ensure!(again.contains("nothing is due"), "{again}");
    site.open()?;
    Ok(())
}

/// R3, R7: the clock of one command makes nothing due, whether a gateway serves or none does. Where a gateway has the same
/// time, what is due goes, and the client's operators are told.
#[test]
fn r7_the_clock_of_one_command_makes_nothing_due() -> Result<()> {
    let mut site = site()?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    let dirs = sealed(&site, 1)?;
    over(&site)?;
    retain(&mut site, "regime = \"ext\"\nkeep = \"62d\"")?;
    let ahead = Clock::movable(site.layout().root().join("ahead"))?;
    ahead.advance(63 * 86_400)?;
    let is_refused = |site: &Site| -> Result<()> {
        let mut remove = site.gateway().command(["retention", "remove"]);
        let refused = remove.envs(ahead.environment()?).output()?;
        let said = said(&refused);
        ensure!(
            refused.status.code() == Some(1)
                && said.contains("nothing is removed: it is")
                && said.contains("a gateway last put its own on record at")
                && said.contains("let the gateway serve"),
            "{said}"
        );
        ensure!(dirs.iter().all(|dir| dir.exists()), "it is gone");
        Ok(())
    };
    is_refused(&site)?;
    site.close()?;
    is_refused(&site)?;
    for kind in ["recording-destroyed", "entries-destroyed"] {
        ensure!(store::audit(&site, kind)?.is_empty(), "{kind}");
    }
    site.clock().advance(63 * 86_400)?;
    site.open()?;
    let done = run(&site, &["retention", "remove"])?;
    ensure!(done.contains("removed recording 1"), "{done}");
    let told = site.operator(&["changes"])?.success()?.text();
    ensure!(
        told.contains("removed a recording") && told.contains("removed the words of"),
        "{told}"
    );
    Ok(())
}

/// What is not what was sealed is evidence of something else: it stays, whatever the time.
#[test]
fn what_is_damaged_is_never_removed() -> Result<()> {
    let mut site = site()?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    site.ssh("alice+db01").run("echo two").answer()?.success()?;
    let dirs = sealed(&site, 2)?;
    site.close()?;
    let ended = format!(
        "regime = \"ext\"\nservice-ended = \"{}\"\nkeep = \"62d\"",
        clock::date_in(-1)?
    );
    retain(&mut site, &ended)?;
    site.clock().advance(70 * 86_400)?;
    site.serve_for_a_moment()?;
    let altered = dirs.first().context("none")?;
    let manifest = fs::read_to_string(altered.join("manifest.json"))?;
    fs::write(
        altered.join("manifest.json"),
        manifest.replace("alice", "bruno"),
    )?;
    let done = run(&site, &["retention", "remove"])?;
    ensure!(done.contains("not the one on record"), "{done}");
    ensure!(altered.exists(), "the evidence is gone");
    ensure!(
        dirs.iter().filter(|dir| dir.exists()).count() == 1,
        "{dirs:?}"
    );
    ensure!(done.contains("kept the words"), "{done}");
    ensure!(store::audit(&site, "entries-destroyed")?.is_empty());
    Ok(())
}

/// R7, MJ 4.17: where the document names no other regime, a year after the service at least, whatever shorter time it says;
/// then what concerned no client goes too.
#[test]
fn under_mj_everything_is_kept_for_a_year_after_the_service() -> Result<()> {
    let mut site = site()?;
    site.ssh("alice+db01").run("echo one").answer()?.success()?;
    let dirs = sealed(&site, 1)?;
    over(&site)?;
    site.close()?;
    let kept = |site: &Site, when: &str| -> Result<()> {
        let said = run(site, &["retention", "remove"])?;
        ensure!(said.contains("nothing is due"), "{when}: {said}");
        ensure!(dirs.iter().all(|dir| dir.exists()), "{when}: it is gone");
        Ok(())
    };
    // While the service goes on, for ever.
    let yesterday = clock::date_in(-1)?;
    site.clock().advance(3 * 366 * 86_400)?;
    kept(&site, "the service goes on")?;
    retain(
        &mut site,
        &format!("service-ended = \"{yesterday}\"\nkeep = \"62d\"\nlegal-hold = \"enquête\""),
    )?;
    kept(&site, "a hold stands")?;
    let today = clock::date_in(3 * 366)?;
    let ended = format!("service-ended = \"{today}\"\nkeep = \"62d\"\nlongest = \"400d\"");
    retain(&mut site, &ended)?;
    site.clock().advance(100 * 86_400)?;
    kept(&site, "a hundred days after")?;
    site.clock().advance(264 * 86_400)?;
    kept(&site, "a day before the year is over")?;
    site.clock().advance(5 * 86_400)?;
    let table = run(&site, &["retention"])?;
    ensure!(table.contains("due since"), "{table}");
    site.clock().advance(40 * 86_400)?;
    let table = run(&site, &["retention"])?;
    ensure!(
        table.contains("past the longest that it may be kept"),
        "{table}"
    );
    site.serve_for_a_moment()?;
    let done = run(&site, &["retention", "remove"])?;
    ensure!(
        done.contains("removed recording 1") && done.contains("that concern no client"),
        "{done}"
    );
    ensure!(!dirs.iter().any(|dir| dir.exists()), "it is still there");
    // What is left proves itself.
    let verified = ecluse(&site, &["journal", "verify"])?;
    ensure!(verified.status.success(), "{}", said(&verified));
    Ok(())
}

/// R7: a longest time under the floor is refused, and the text that asks for it is named.
#[test]
fn a_longest_time_under_the_floor_is_refused_with_its_rule() -> Result<()> {
    let mut site = Site::prepare(|_| Ok(()))?;
    for (lines, rule) in [
        ("longest = \"365d\"", "MJ 4.17"),
        (
            "regime = \"ext\"\nkeep = \"62d\"\nlongest = \"61d\"",
            "EXT annex 3",
        ),
    ] {
        let refused = retain(&mut site, lines).err().context("it was applied")?;
        ensure!(format!("{refused:#}").contains(rule), "{refused:#}");
    }
    Ok(())
}
