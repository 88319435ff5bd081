//! The distribution's rsync, both ways: what is listed passes byte for byte, nothing else does.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context, Result, ensure};
use ecluse_tests::payload::{Kind, Payload};
use ecluse_tests::{client, recording, store, wait};

use super::{Ground, PATIENCE, allow, is_refused, plant, said};

const BOTH: &[&str] = &["rsync-read: @/in/**", "rsync-write: @/in/**"];

/// A tree of 2,000 files with accents, spaces, line breaks and Latin-1 in their names goes both ways and is the same; each way has an
/// entry in the sealed log and a numbered receipt. R1, P10.
#[test]
fn p10_two_thousand_files_go_both_ways_and_each_way_has_its_receipt() -> Result<()> {
    let ground = Ground::start(BOTH)?;
    let here = ground.folder.path().join("here/tree");
    plant(&here)?;
    let sent = ground.tree("here/tree")?;
    ensure!(sent.len() > 2_000);
    ground
        .rsync(&["-a", "--delete"], "here/tree/", ":in/tree/")?
        .success()?;
    ensure!(ground.tree("in/tree")? == sent);
    ground
        .rsync(&["-az"], ":in/tree/", "here/back")?
        .success()?;
    ensure!(ground.tree("here/back")? == sent);
    // By its name, by a pattern, one file, and a second time.
    ground.rsync(&["-a"], ":in/dir", "here")?.success()?;
    ground.rsync(&["-a"], ":in/o*", "here")?.success()?;
    ground.rsync(&["-t"], ":in/one", "here/alone")?.success()?;
    ground
        .rsync(&["-a", "-n"], "here/tree/", ":in/tree")?
        .success()?;
    ensure!(fs::read(ground.at("here/dir/small"))? == b"small");
    ensure!(fs::read(ground.at("here/one"))? == b"one");
    ensure!(fs::read(ground.at("here/alone"))? == b"one");

    let receipts = wait::until("six receipts", PATIENCE, || {
        let all = store::audit(&ground.site, "receipt")?;
        Ok((all.len() >= 6).then_some(all))
    })?;
    let root = ground.root()?.display().to_string();
    let first = &receipts[0]["detail"];
    ensure!(
        first["receipt"] == 1 && first["protocol"] == "rsync",
        "{first}"
    );
    ensure!(
        first["way"] == "in" && first["path"] == format!("{root}/in/tree"),
        "{first}"
    );
    ensure!(
        first["extent"] == "stream" && first["outcome"] == "done",
        "{first}"
    );
    ensure!(first.get("sha256").is_none(), "{first}");
    ensure!(
        first["bytes"].as_u64().is_some_and(|bytes| bytes > 100_000),
        "{first}"
    );
    ensure!(receipts[1]["detail"]["way"] == "out", "{:?}", receipts[1]);
    let wanted = [
        format!("\"operation\":\"write-tree\",\"path\":\"{root}/in/tree\""),
        format!("\"operation\":\"read-tree\",\"path\":\"{root}/in/tree\""),
        "started on the target: rsync --server".to_owned(),
        "--safe-links --no-devices".to_owned(),
    ];
    wait::until_sealed("both ways in the sealed log", || {
        let mut all = String::new();
        for cast in recording::sealed(&ground.site.layout().recordings(), "-exec.cast")? {
            all += &String::from_utf8_lossy(&recording::plain(&cast)?).replace("\\\"", "\"");
        }
        Ok(wanted.iter().all(|one| all.contains(one)).then_some(()))
    })
}

/// F1: each way out of what is listed, and each option that may lead there, is refused in words before anything is started; nothing
/// is written on the target and nothing comes of it.
#[test]
fn f1_no_way_leads_out_of_what_is_listed_by_rsync() -> Result<()> {
    let ground = Ground::start(BOTH)?;
    let root = ground.root()?.display().to_string();
    fs::create_dir_all(ground.at("here/mine"))?;
    fs::write(ground.at("here/mine/file"), "mine")?;
    for (flags, from, to, words) in [
        (&["-a"][..], ":out/", "here/got", "rsync-read: @/out/**"),
        (
            &["-a"],
            ":out/secret",
            "here/got",
            "rsync-read: @/out/secret",
        ),
        (
            &["-a"],
            ":in/link-dir/",
            "here/got",
            "rsync-read: @/in/link-dir/**",
        ),
        (
            &["-a"],
            ":in/dir/../../out/",
            "here/got",
            "rsync-read: @/in/dir/../../out/**",
        ),
        (&["-a"], ":", "here/got", "rsync-read: "),
        (&["-a"], "here/mine/", ":out/", "rsync-write: @/out/**"),
        (
            &["-a"],
            "here/mine/",
            ":out/new",
            "rsync-write: @/out/new/**",
        ),
        (
            &["-a"],
            "here/mine/",
            ":in/link-dir/",
            "rsync-write: @/in/link-dir/**",
        ),
        (
            &["-a"],
            "here/mine/file",
            ":in/link",
            "rsync-write: @/in/link",
        ),
        (&["-aL"], ":in/", "here/got", "-L"),
        (&["-ak"], ":in/", "here/got", "-k"),
        (
            &["-a", "--copy-unsafe-links"],
            ":in/",
            "here/got",
            "--copy-unsafe-links",
        ),
        (&["-aR"], ":in/dir", "here/got", "-R"),
        (&["-as"], ":in/", "here/got", "--no-s"),
        (&["-aK"], "here/mine/", ":in/", "-K"),
        (
            &["-ab", "--backup-dir=/tmp/x"],
            "here/mine/",
            ":in/",
            "--backup-dir",
        ),
        (
            &["-a", "--temp-dir=/tmp"],
            "here/mine/",
            ":in/",
            "--temp-dir",
        ),
        (
            &["-a", "--partial-dir=link-dir"],
            "here/mine/",
            ":in/",
            "--partial-dir",
        ),
        (
            &["-a", "--link-dest=/etc"],
            "here/mine/",
            ":in/",
            "--link-dest",
        ),
        (
            &["-a", "--write-devices"],
            "here/mine/",
            ":in/",
            "--write-devices",
        ),
        (&["-a", "--super"], "here/mine/", ":in/", "--super"),
        (
            &["-a", "--usermap=*:root"],
            "here/mine/",
            ":in/",
            "--usermap",
        ),
        (
            &["-a", "-M--log-file=/tmp/x"],
            "here/mine/",
            ":in/",
            "--log-file",
        ),
        (
            &["-a", "-M--config=/tmp/x"],
            "here/mine/",
            ":in/",
            "--config",
        ),
        (
            &["-a", "--rsync-path=rsync --daemon;rsync"],
            "here/mine/",
            ":in/",
            "command: rsync",
        ),
        (
            &["-a", "--rsync-path=sudo rsync"],
            "here/mine/",
            ":in/",
            "command: sudo",
        ),
        (&["-a"], ":in/nothing/", "here/got", "No such file"),
    ] {
        let answer = ground.rsync(flags, from, to)?;
        let words = words.replace('@', &root);
        is_refused(&answer, &words).with_context(|| format!("{flags:?} {from} {to}"))?;
        ensure!(matches!(answer.status, Some(1 | 12 | 254)), "{answer:?}");
        ensure!(!fs::exists(ground.at("here/got"))?, "{flags:?} {from}");
    }
    for daemon in [
        "rsync --server --daemon .",
        "rsync --server --daemon --config=/tmp/x .",
    ] {
        let answer = ground.site.ssh("alice+db01").run(daemon).answer()?;
        is_refused(&answer, "HOST:/PATH")?;
    }
    ground.is_unharmed()?;
    ensure!(fs::read_dir(ground.at("in"))?.count() == 4);
    // Links that lead out are read as links, and are not made.
    ground.rsync(&["-a"], ":in/", "here/links")?.success()?;
    ensure!(fs::read_link(ground.at("here/links/link"))?.ends_with("out/secret"));
    fs::remove_dir_all(ground.at("here/links/link-dir")).ok();
    symlink("../../out", ground.at("here/mine/leads-out"))?;
    symlink("file", ground.at("here/mine/stays"))?;
    ground.rsync(&["-a"], "here/mine/", ":in/mine")?.success()?;
    ensure!(
        !fs::exists(ground.at("in/mine/leads-out"))? && fs::exists(ground.at("in/mine/stays"))?
    );
    ground.is_unharmed()?;
    wait::until_true("the refusals on record", PATIENCE, || {
        let refused = store::audit(&ground.site, "flow-refused")?;
        Ok(refused.iter().any(|record| {
            let reason = record["reason"].as_str();
            reason.is_some_and(|reason| reason.contains("/out/new"))
        }))
    })?;
    Ok(())
}

/// F1: a line gives one way alone, one file where it names one, and nothing by another protocol.
#[test]
fn f1_a_line_gives_its_way_its_file_and_its_protocol_alone() -> Result<()> {
    let ground = Ground::start(&["rsync-read: @/in/dir/**", "rsync-write: @/in/one"])?;
    let root = ground.root()?.display().to_string();
    fs::write(ground.at("here/one"), "changed")?;
    let way = ground.rsync(&["-a"], "here/one", ":in/dir/")?;
    is_refused(&way, &format!("rsync-write: {root}/in/dir/**"))?;
    let back = ground.rsync(&["-a"], ":in/one", "here/got")?;
    is_refused(&back, &format!("rsync-read: {root}/in/one"))?;
    let beside = ground.rsync(&["-ab"], "here/one", ":in/one")?;
    is_refused(&beside, "rsync-write: ")?;
    ensure!(fs::read(ground.at("in/one"))? == b"one");
    ground.rsync(&["-a"], "here/one", ":in/one")?.success()?;
    ensure!(fs::read(ground.at("in/one"))? == b"changed");
    ground.rsync(&["-a"], ":in/dir", "here")?.success()?;
    // Moving is writing.
    let moved = ground.rsync(&["-a", "--remove-source-files"], ":in/dir", "here/got")?;
    is_refused(&moved, "rsync-write: ")?;
    ensure!(fs::exists(ground.at("in/dir/small"))?);
    let ssh = ground.site.ssh("alice+db01");
    let mut options = ssh.arguments();
    options.remove(0);
    options.pop();
    let mut scp = std::process::Command::new("scp");
    scp.args(options).envs(ssh.variables()).args([
        format!("alice+db01@gw:{}", ground.at("in/dir/small")),
        ground.at("here/got"),
    ]);
    let answer = client::run(&mut scp, &[], PATIENCE)?;
    ensure!(
        answer.status != Some(0) && !fs::exists(ground.at("here/got"))?,
        "{answer:?}"
    );
    // `explain` and `check` know the family.
    let told = ground.site.gateway().run(
        [
            "explain",
            "alice",
            "db01",
            &format!("rsync-read: {root}/in/dir/**"),
        ],
        "",
    )?;
    ensure!(told.contains("allowed"), "{told}");
    Ok(())
}

/// Invariant 6: a line that the client takes away ends the rsync that rests on it, which says so and ends with an error.
#[test]
fn f6_a_line_that_is_lost_ends_an_rsync_midway() -> Result<()> {
    let mut ground = Ground::start(BOTH)?;
    fs::write(
        ground.at("in/large"),
        Payload::new(Kind::Noise, 16 << 20, 7).bytes(),
    )?;
    ground.site.apply(|documents| {
        documents.extraction =
            "{ session = \"1 GiB\", intervention = \"7 GiB\", rate = \"512 KiB/s\" }".to_owned();
        Ok(())
    })?;
    wait::until_true("the budget", PATIENCE, || {
        let told = ground.site.lobby("alice", &["quota"]).answer()?;
        Ok(told.success()?.text().contains("7 GiB"))
    })?;
    let mut rsync = ground.rsync_command(&["--inplace"], ":in/large", "here/large")?;
    let mut running = client::spawn(&mut rsync, PATIENCE)?;
    wait::until_true("the transfer", PATIENCE, || {
        Ok(fs::metadata(ground.at("here/large")).is_ok_and(|file| file.len() > 0))
    })?;
    let root = ground.root()?;
    ground.site.apply(|documents| {
        documents.flow("dba")?.allow = allow(&root, &["rsync-write: @/in/**"]);
        Ok(())
    })?;
    let answer = running.answer()?;
    ensure!(
        answer.status.is_some_and(|status| status != 0),
        "{answer:?}"
    );
    ensure!(
        said(&answer).contains("rsync-read") || said(&answer).contains("flow"),
        "{answer:?}"
    );
    ensure!(fs::metadata(ground.at("here/large"))?.len() < 16 << 20);
    let receipt = wait::until("its receipt", PATIENCE, || {
        Ok(store::audit(&ground.site, "receipt")?.pop())
    })?;
    let outcome = receipt["detail"]["outcome"].as_str();
    ensure!(
        matches!(outcome, Some("withdrawn" | "unfinished")),
        "{receipt}"
    );
    Ok(())
}
