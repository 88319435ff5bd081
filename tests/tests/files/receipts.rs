//! The register of what was transferred: numbered receipts that are entries of the log. P10, MJ 4.8.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, client, payload, store, wait};
use serde_json::Value;

use super::{ALL, Ground, PATIENCE, noise};

/// What a person of the site reads of a command, on one line.
fn reads(answer: Answer) -> Result<String> {
    let text = answer.success()?.text();
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn number(entry: &Value) -> u64 {
    let number = entry.pointer("/detail/receipt").and_then(Value::as_u64);
    number.unwrap_or_default()
}

/// P10: each file that passed, by SFTP and by `scp` of old, has a receipt with both ends, its way, size and digest; numbers have no
/// gap, also over a restart; what was refused has none. Operator and auditor read the register, the technician does not.
#[test]
fn p10_each_transfer_has_a_numbered_receipt() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    fs::write(ground.at("here/sent"), "sent")?;
    fs::write(ground.at("here/none"), "")?;
    ground
        .sftp("get @/in/file @/here/file\nput @/here/sent @/in/sent\nput @/here/none @/in/none\n-get @/out/secret @/here/secret\nls @/in\n")?
        .success()?;
    ground.scp(&["-O"], ":in/file", "here/again")?.success()?;
    let receipts = |count: usize| -> Result<Vec<Value>> {
        wait::until(&format!("{count} receipts"), PATIENCE, || {
            let all = store::audit(&ground.site, "receipt")?;
            ensure!(all.len() <= count, "{all:?}");
            Ok((all.len() == count).then_some(all))
        })
    };
    let all = receipts(4)?;
    let numbers: Vec<u64> = all.iter().map(number).collect();
    ensure!(numbers == [1, 2, 3, 4], "{numbers:?}");
    let digest = payload::digest(&ground.holds("in/file")?);
    let first = &all[0]["detail"];
    ensure!(
        first["sha256"] == digest && first["way"] == "out" && first["bytes"] == 300_000,
        "{first}"
    );
    ensure!(
        first["extent"] == "whole" && first["outcome"] == "done" && first["protocol"] == "sftp",
        "{first}"
    );
    let second = &all[1]["detail"];
    ensure!(
        second["way"] == "in" && second["sha256"] == payload::digest(b"sent"),
        "{second}"
    );
    ensure!(second["from"] == "alice (maintech)", "{second}");
    let target = second["to"].as_str().context("nobody received it")?;
    ensure!(target.contains("@db01 (hopital)"), "{second}");
    ensure!(all[3]["detail"]["protocol"] == "scp" && all[3]["detail"]["sha256"] == digest);

    // The numbers go on where they were, whatever becomes of the gateway.
    ground.site.kill()?;
    ground.site.open()?;
    ground.sftp("get @/in/sent @/here/back\n")?.success()?;
    let all = wait::until("the next receipt", PATIENCE, || {
        let all = store::audit(&ground.site, "receipt")?;
        Ok((all.len() == 5).then_some(all))
    })?;
    ensure!(number(&all[4]) == 5, "{:?}", all[4]);

    let listed = reads(ground.site.operator(&["receipts"])?)?;
    ensure!(
        listed.contains("in/sent") && listed.contains("alice"),
        "{listed}"
    );
    let listed = reads(ground.site.auditor(&["receipts", "--way", "in"])?)?;
    ensure!(
        listed.contains("in/none") && !listed.contains("in/file"),
        "{listed}"
    );
    let of_one = reads(ground.site.auditor(&["receipts", "--intervention", "1"])?)?;
    ensure!(of_one.contains("in/none"), "{of_one}");
    let of_none = reads(ground.site.auditor(&["receipts", "--intervention", "2"])?)?;
    ensure!(of_none.contains("No file of this choice"), "{of_none}");
    let one = reads(ground.site.auditor(&["receipts", "2"])?)?;
    for wanted in [
        "alice (maintech)",
        "@db01 (hopital)",
        &payload::digest(b"sent"),
        "all of the file",
        "Receipt",
    ] {
        ensure!(one.contains(wanted), "{wanted}: {one}");
    }
    let csv = ground
        .site
        .auditor(&["receipts", "--csv"])?
        .success()?
        .text();
    let rows: Vec<&str> = csv.lines().collect();
    ensure!(
        rows.len() == 6 && rows[0].starts_with("number,time,way,"),
        "{csv}"
    );
    ensure!(rows[1].contains(&digest), "{csv}");
    ground.site.auditor(&["receipts", "77"])?.status_is(1)?;
    ground
        .site
        .lobby("alice", &["receipts"])
        .answer()?
        .status_is(1)?;
    let told = reads(ground.site.operator(&["interventions", "1"])?)?;
    ensure!(told.contains("receipts of files: 5"), "{told}");
    let verified = ground
        .site
        .gateway()
        .run(["journal", "verify", "--contents"], "")?;
    ensure!(verified.contains("intact"), "{verified}");
    Ok(())
}

/// P10: `scp` of today truncates nothing as it opens, and sets the size once all is written: what it sends is whole, over a longer
/// file too.
#[test]
fn p10_a_file_by_todays_scp_is_whole() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let sent = noise(200_000);
    fs::write(ground.at("here/sent"), &sent)?;
    fs::write(ground.at("in/longer"), noise(300_000))?;
    for to in [":in/new", ":in/longer"] {
        ground.scp(&[], "here/sent", to)?.success()?;
    }
    ensure!(ground.holds("in/longer")? == sent);
    let all = wait::until("both receipts", PATIENCE, || {
        let all = store::audit(&ground.site, "receipt")?;
        Ok((all.len() == 2).then_some(all))
    })?;
    for one in &all {
        let told = &one["detail"];
        ensure!(
            told["extent"] == "whole" && told["sha256"] == payload::digest(&sent),
            "{told}"
        );
    }
    Ok(())
}

/// P10: nodes that carry files of one client at once draw no number twice, and leave none out.
#[test]
fn p10_two_nodes_number_one_register() -> Result<()> {
    let address = store::database()?;
    let here = Ground::start_with(ALL, |plan| {
        plan.documents.settings.store = address;
        Ok(())
    })?;
    let there = here.site.beside()?;
    for number in 0..10 {
        fs::write(here.at(&format!("in/{number}")), format!("{number}"))?;
    }
    // At both nodes at once.
    let batch: String = (0..10)
        .map(|number| format!("get @/in/{number} @/here/{number}\n"))
        .collect();
    let mut sftp = here.sftp_command(&batch)?;
    let mut running = client::spawn(&mut sftp, PATIENCE)?;
    let ssh = there.ssh("alice+db01");
    let mut options = ssh.arguments();
    options.remove(0);
    options.pop();
    let mut sftp = Command::new("sftp");
    sftp.args(options).envs(ssh.variables());
    sftp.arg("-b").arg(here.at("batch")).arg("alice+db01@gw");
    client::run(&mut sftp, b"", Duration::from_secs(90))?.success()?;
    running.answer()?.success()?;
    let all = wait::until("the receipts", PATIENCE, || {
        let all = here.site.shared_audit("receipt")?;
        Ok((all.len() == 20).then_some(all))
    })?;
    let numbers: Vec<u64> = all.iter().map(number).collect();
    ensure!(numbers == (1..=20).collect::<Vec<_>>(), "{numbers:?}");
    Ok(())
}

/// P10: a receipt is of what went, and not of what was read or asked for: of a transfer that its budget ends, each way and by each
/// protocol, it has no digest, is of a part, and tells of no more than was paid for, nor of more than the target has.
#[test]
fn p10_a_receipt_tells_of_no_more_than_went() -> Result<()> {
    const BUDGET: u64 = 64 << 10;
    let mut ground = Ground::start(ALL)?;
    for name in ["in/large", "here/large"] {
        fs::write(ground.at(name), noise(400_000))?;
    }
    ground.site.apply(|documents| {
        documents.extraction = "{ session = \"64 KiB\", intervention = \"63 GiB\", up-session = \"64 KiB\", at-limit = \"end\" }".to_owned();
        Ok(())
    })?;
    wait::until_true("the budget", PATIENCE, || {
        let told = ground.site.lobby("alice", &["quota"]).answer()?;
        Ok(told.success()?.text().contains("63 GiB"))
    })?;
    let copies: [(&[&str], &str, &str); 4] = [
        (&["-O"], "here/large", ":in/old"),
        // In parts of which some are there in time: what is no whole write is nothing to a server.
        (&["-X", "buffer=8192"], "here/large", ":in/new"),
        (&["-O"], ":in/large", "here/old"),
        (&[], ":in/large", "here/new"),
    ];
    for (nth, (flags, from, to)) in copies.into_iter().enumerate() {
        let answer = ground.scp(flags, from, to)?;
        ensure!(answer.status != Some(0), "{from} {to}: {answer:?}");
        let all = wait::until("its receipt", PATIENCE, || {
            let all = store::audit(&ground.site, "receipt")?;
            Ok((all.len() > nth).then_some(all))
        })?;
        let told = &all[nth]["detail"];
        ensure!(
            told["extent"] == "partial" && told["sha256"].is_null() && told["outcome"] != "done",
            "{from} {to}: {told}"
        );
        let bytes = told["bytes"].as_u64().unwrap_or_default();
        ensure!((1..=BUDGET).contains(&bytes), "{from} {to}: {told}");
        // A server of SFTP says what it has written.
        if to == ":in/new" {
            let has = fs::metadata(ground.at("in/new"))?.len();
            ensure!(bytes <= has, "{has} bytes are there: {told}");
        }
    }
    Ok(())
}
