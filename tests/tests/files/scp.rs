//! Files by the old protocol, `scp -O` and `pscp -scp`: judged by the same lines, held, recorded and told as by SFTP.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{client, keys, payload, recording, store, target, wait};

use super::{ALL, Ground, PATIENCE, is_refused, lines, noise, said};

const MIB: u64 = 1 << 20;

/// `scp -O` both ways: one file, with times and modes, folders, a pattern, and what is not there; the bytes on disk, and every
/// file in the sealed log. R1, R2.
#[test]
fn openssh_scp_of_old_copies_both_ways_and_is_in_the_sealed_log() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let sent = noise(2 * MIB);
    fs::create_dir_all(ground.at("here/tree/deep"))?;
    fs::write(ground.at("here/tree/a b"), &sent)?;
    fs::write(ground.at("here/tree/deep/empty"), "")?;
    fs::set_permissions(ground.at("in/file"), fs::Permissions::from_mode(0o640))?;
    ground
        .scp(&["-O", "-p"], ":in/file", "here/file")?
        .success()?;
    ensure!(ground.holds("here/file")? == ground.holds("in/file")?);
    let (one, two) = (
        fs::metadata(ground.at("in/file"))?,
        fs::metadata(ground.at("here/file"))?,
    );
    ensure!(two.permissions().mode() & 0o777 == 0o640);
    let seconds = |file: &fs::Metadata| -> Result<u64> {
        let since = file.modified()?.duration_since(std::time::UNIX_EPOCH)?;
        Ok(since.as_secs())
    };
    ensure!(seconds(&one)? == seconds(&two)?);
    ground
        .scp(&["-O", "-r", "-p"], "here/tree", ":in/tree")?
        .success()?;
    ensure!(ground.holds("in/tree/a b")? == sent && ground.holds("in/tree/deep/empty")?.is_empty());
    ground
        .scp(&["-O", "-r"], ":in/tree", "here/back")?
        .success()?;
    ensure!(ground.holds("here/back/a b")? == sent);
    fs::create_dir_all(ground.at("here/some"))?;
    ground.scp(&["-O"], ":in/fil*", "here/some")?.success()?;
    ensure!(ground.holds("here/some/file")? == ground.holds("in/file")?);
    let missing = ground.scp(&["-O"], ":in/nothing", "here/nothing")?;
    is_refused(&missing, "No such file")?;
    ensure!(fs::read_dir(ground.at("here"))?.count() == 4);

    let root = ground.root()?.display().to_string();
    let digest = payload::digest(&ground.holds("in/file")?);
    let find = |words: &[&str]| -> Result<String> {
        let mut all = vec!["search"];
        all.extend(words);
        Ok(ground.site.auditor(&all)?.text())
    };
    wait::until_sealed("the file found by its digest", || {
        let found = find(&[&digest[..24], "--in", "file"])?.contains("in/file");
        Ok(found.then_some(()))
    })?;
    let casts = || -> Result<String> {
        let casts = recording::sealed(&ground.site.layout().recordings(), "-exec.cast")?;
        let mut all = String::new();
        for cast in casts {
            all += &String::from_utf8_lossy(&recording::plain(&cast)?).replace("\\\"", "\"");
        }
        Ok(all)
    };
    let wanted = [
        format!("\"operation\":\"read\",\"path\":\"{root}/in/file\""),
        format!("\"sha256\":\"{digest}\""),
        format!("\"sha256\":\"{}\"", payload::digest(&sent)),
        "\"read\":{\"bytes\":300000,\"extent\":\"whole\"},\"size\":300000".to_owned(),
        format!("\"operation\":\"make-directory\",\"path\":\"{root}/in/tree/deep\""),
        format!("\"operation\":\"list\",\"path\":\"{root}/in/tree\""),
        format!("started on the target: scp -p -f {root}/in/file"),
    ];
    wait::until_sealed("every file in the sealed log", || {
        let casts = casts()?;
        let all = wanted.iter().all(|one| casts.contains(one));
        Ok(all.then_some(()))
    })
    .with_context(|| {
        let casts = casts().unwrap_or_default();
        let missing = wanted.iter().find(|one| !casts.contains(*one));
        format!("{missing:?} in {casts}")
    })?;
    let verified = ground
        .site
        .gateway()
        .run(["journal", "verify", "--contents"], "")?;
    ensure!(verified.contains("intact"), "{verified}");
    Ok(())
}

/// F1: each way out of what is listed; the words stand in the protocol, name the line by the path that was typed, and are on
/// record. What is listed beside it passes.
#[test]
fn f1_no_way_leads_out_of_what_is_listed_by_scp_of_old() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let root = ground.root()?.display().to_string();
    fs::write(ground.at("here/mine"), "mine")?;
    let not_listed = "not part of this intervention";
    for (from, to, line) in [
        (":out/secret", "here/got", "sftp-read: @/out/secret"),
        (":in/link", "here/got", "sftp-read: @/in/link"),
        (
            ":in/link-dir/secret",
            "here/got",
            "sftp-read: @/in/link-dir/secret",
        ),
        (
            ":in/../out/secret",
            "here/got",
            "sftp-read: @/in/../out/secret",
        ),
        (":out/*", "here", "sftp-list: @/out/*"),
        ("here/mine", ":out/mine", "sftp-write: @/out/mine"),
        (
            "here/mine",
            ":in/link-dir/mine",
            "sftp-write: @/in/link-dir/mine",
        ),
        ("here/mine", ":in/link", "sftp-write: @/in/link"),
        (
            "here/mine",
            ":in/dir/../../out/mine",
            "sftp-write: @/in/dir/../../out/mine",
        ),
    ] {
        let answer = ground.scp(&["-O"], from, to)?;
        is_refused(&answer, &line.replace('@', &root))?;
        ensure!(said(&answer).contains(not_listed), "{from}: {answer:?}");
    }
    // A tree with links out of it: the rest of it comes.
    let tree = ground.scp(&["-O", "-r"], ":in", "here/tree")?;
    is_refused(&tree, &format!("sftp-read: {root}/in/link "))?;
    is_refused(&tree, &format!("sftp-list: {root}/in/link-dir "))?;
    ensure!(ground.holds("here/tree/file")? == ground.holds("in/file")?);
    ensure!(ground.holds("here/tree/dir/small")? == b"small");
    ensure!(!fs::exists(ground.at("here/tree/link"))? && !fs::exists(ground.at("here/got"))?);
    // What is more than a copy is a command like any other.
    let more = format!("scp -f {root}/in/file; cat {root}/out/secret");
    ground
        .site
        .ssh("alice+db01")
        .run(more)
        .answer()?
        .refused(&["command: scp"])?;
    let names = |path: &str| -> Result<usize> { Ok(fs::read_dir(ground.at(path))?.count()) };
    ensure!(names("out")? == 1 && names("in")? == 4);
    ensure!(ground.holds("out/secret")? == b"secret");
    wait::until_true("the refusals on record", PATIENCE, || {
        let refused = store::audit(&ground.site, "flow-refused")?;
        let names = |record: &serde_json::Value| {
            let reason = record["reason"].as_str();
            reason.is_some_and(|reason| reason.contains("/out/secret"))
        };
        Ok(refused.iter().any(names))
    })?;
    Ok(())
}

/// Each right alone, and a target that cannot tell where paths lead: nothing is started there.
#[test]
fn what_is_missing_is_said_before_anything_is_started() -> Result<()> {
    let ground = Ground::start_with(&["read"], |plan| {
        // The first connection's subsystem is there; the script below takes it away.
        let more = "ForceCommand case \"$SSH_ORIGINAL_COMMAND\" in internal-sftp*) test -e \"$HOME/no-sftp\" || exec \
                    /usr/lib/openssh/sftp-server; exit 1;; *) exec sh -c \"$SSH_ORIGINAL_COMMAND\";; esac\n";
        Ok(fs::write(target::sshd::more(&plan.layout), more)?)
    })?;
    fs::write(ground.at("here/mine"), "mine")?;
    let upload = ground.scp(&["-O"], "here/mine", ":in/mine")?;
    is_refused(&upload, "sftp-write: ")?;
    let list = ground.scp(&["-O", "-r"], ":in/dir", "here/dir")?;
    is_refused(&list, "sftp-list: ")?;
    ground.scp(&["-O"], ":in/file", "here/file")?.success()?;
    fs::write(ground.site.layout().target_home().join("no-sftp"), "")?;
    let blind = ground.scp(&["-O"], ":in/file", "here/other")?;
    is_refused(&blind, "no SFTP subsystem")?;
    ensure!(!fs::exists(ground.at("here/other"))? && !fs::exists(ground.at("in/mine"))?);
    Ok(())
}

/// X3: a download is held where its budget ends, and goes on exactly once an operator adds to it; the operator sees its name.
#[test]
fn x3_a_download_by_scp_of_old_is_held_topped_up_and_exact() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    fs::write(ground.at("in/large"), noise(6 * MIB))?;
    ground.site.apply(|documents| {
        documents.extraction =
            "{ session = \"2 MiB\", intervention = \"64 GiB\", at-limit = \"hold\" }".to_owned();
        Ok(())
    })?;
    wait::until_true("the budget", PATIENCE, || {
        let told = ground.site.lobby("alice", &["quota"]).answer()?;
        Ok(told.success()?.text().contains("64 GiB"))
    })?;
    let mut scp = ground.program("scp");
    scp.arg("-O")
        .arg(format!("alice+db01@gw:{}", ground.at("in/large")))
        .arg(ground.at("here/large"));
    let mut running = client::spawn(&mut scp, PATIENCE)?;
    let size = || fs::metadata(ground.at("here/large")).map_or(0, |file| file.len());
    wait::until_true("the hold", PATIENCE, || {
        let live = ground.site.operator(&["live"])?.success()?.text();
        Ok(live.to_lowercase().contains("held"))
    })?;
    ensure!(size() <= 2 * MIB, "{} bytes passed", size());
    let session = ground.site.live_session()?;
    ground
        .site
        .operator(&["topup", &session, "16MiB"])?
        .success()?;
    let answer = running.answer()?;
    ensure!(answer.status == Some(0), "{answer:?}");
    ensure!(ground.holds("here/large")? == ground.holds("in/large")?);
    Ok(())
}

/// Invariant 6: lines that the client takes away end the copies that rest on them, both ways, and say why.
#[test]
fn lines_that_are_lost_end_the_copies_that_rest_on_them() -> Result<()> {
    let mut ground = Ground::start(ALL)?;
    fs::write(ground.at("in/large"), noise(16 * MIB))?;
    fs::write(ground.at("here/sent"), noise(16 * MIB))?;
    ground.site.apply(|documents| {
        documents.extraction =
            "{ session = \"1 GiB\", intervention = \"7 GiB\", rate = \"512 KiB/s\", up-rate = \"512 KiB/s\" }"
                .to_owned();
        Ok(())
    })?;
    wait::until_true("the budget", PATIENCE, || {
        let told = ground.site.lobby("alice", &["quota"]).answer()?;
        Ok(told.success()?.text().contains("7 GiB"))
    })?;
    let on_target = |path: &str| format!("alice+db01@gw:{}", ground.at(path));
    let spawn = |from: String, to: String| {
        let mut scp = ground.program("scp");
        scp.arg("-O").arg(from).arg(to);
        client::spawn(&mut scp, PATIENCE)
    };
    let mut down = spawn(on_target("in/large"), ground.at("here/large"))?;
    let mut up = spawn(ground.at("here/sent"), on_target("in/sent"))?;
    for path in ["here/large", "in/sent"] {
        wait::until_true("both transfers", PATIENCE, || {
            Ok(fs::metadata(ground.at(path)).is_ok_and(|file| file.len() > 0))
        })?;
    }
    // The operator sees what passes, by its name.
    wait::until_true("both in `live`", PATIENCE, || {
        let live = ground.site.operator(&["live"])?.success()?.text();
        Ok(live.contains("scp ↓") && live.contains("scp ↑"))
    })?;
    let root = ground.root()?;
    ground.site.apply(|documents| {
        documents.flow("dba")?.allow = lines(&root, &["list"]);
        Ok(())
    })?;
    is_refused(&down.answer()?, "sftp-read: ")?;
    is_refused(&up.answer()?, "sftp-write: ")?;
    let size = |path: &str| fs::metadata(ground.at(path)).map_or(0, |file| file.len());
    ensure!(size("here/large") < 16 * MIB && size("in/sent") < 16 * MIB);
    Ok(())
}

/// PuTTY's program, both ways and with a refusal whose words it shows.
#[test]
fn pscp_of_old_copies_and_shows_the_words() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let layout = ground.site.layout();
    let path = layout.root().join("gateway.pub");
    fs::write(&path, ground.site.host_key()?)?;
    let fingerprint = keys::fingerprint(&path)?;
    let home = layout.root().join("putty");
    fs::create_dir_all(&home)?;
    let script = format!(
        "set -e; ssh-add -q '{}' '{}'; export HOME='{}'; exec pscp -scp -agent -batch -P {} -hostkey {fingerprint} \"$@\"",
        layout.key("ws-1").display(),
        layout.key("alice").display(),
        home.display(),
        ground.site.plan().ports.door,
    );
    let pscp = |arguments: &[&str]| {
        let arguments = arguments.iter().map(|one| match one.strip_prefix(':') {
            Some(path) => format!("alice+db01@127.0.0.1:{}", ground.at(path)),
            None if one.starts_with('-') => (*one).to_owned(),
            None => ground.at(one),
        });
        let mut agent = Command::new("ssh-agent");
        agent.args(["sh", "-c", &script, "sh"]).args(arguments);
        client::run(&mut agent, b"", PATIENCE)
    };
    let sent = noise(3 * MIB);
    fs::write(ground.at("here/sent"), &sent)?;
    pscp(&["here/sent", ":in/sent"])?.success()?;
    ensure!(ground.holds("in/sent")? == sent);
    pscp(&[":in/file", "here/file"])?.success()?;
    ensure!(ground.holds("here/file")? == ground.holds("in/file")?);
    pscp(&["-r", ":in/dir", "here/dir"])?.success()?;
    ensure!(ground.holds("here/dir/small")? == b"small");
    for (arguments, line) in [
        (["here/sent", ":out/sent"], "sftp-write: "),
        ([":out/secret", "here/secret"], "sftp-read: "),
    ] {
        let answer = pscp(&arguments)?;
        let all = format!("{} {}", answer.text(), answer.errors);
        ensure!(answer.status != Some(0) && all.contains(line), "{answer:?}");
    }
    ensure!(fs::read_dir(ground.at("out"))?.count() == 1);
    Ok(())
}

/// A flow without lines of files gives a copy as the command that it is, and nobody looks into it; beside lines of files the same
/// template gives none, and `check` says so.
#[test]
fn f2_without_a_line_of_files_a_copy_is_a_command() -> Result<()> {
    let ground = Ground::start_with(&[], |plan| {
        plan.documents
            .flow("dba")?
            .allow
            .push("command: scp -f {path}".to_owned());
        Ok(())
    })?;
    ground
        .scp(&["-O"], ":out/secret", "here/secret")?
        .success()?;
    ensure!(ground.holds("here/secret")? == b"secret");
    let refused = ground.scp(&["-O"], "here/secret", ":out/other")?;
    is_refused(&refused, "command: scp")?;
    drop(ground);

    let ground = Ground::start_with(&["read"], |plan| {
        plan.documents
            .flow("dba")?
            .allow
            .push("command: scp -f {path}".to_owned());
        Ok(())
    })?;
    let refused = ground.scp(&["-O"], ":out/secret", "here/secret")?;
    is_refused(&refused, "sftp-read: ")?;
    for (command, path, right) in [
        ("scp -f", "in/file", None),
        ("scp -f", "out/secret", Some("sftp-read: ")),
        ("scp -t", "in/file", Some("sftp-write: ")),
        ("scp -r -f", "out", Some("sftp-list: ")),
    ] {
        let asked = format!("command: {command} {}/{path}", ground.root()?.display());
        let explained = ground
            .site
            .gateway()
            .try_run(["explain", "alice", "db01", &asked], "")?;
        let told = String::from_utf8_lossy(&explained.stdout).into_owned();
        ensure!(
            explained.status.success() == right.is_none()
                && right.is_none_or(|right| told.contains(right)),
            "{asked}: {explained:?}"
        );
    }
    ground.scp(&["-O"], ":in/file", "here/file")?.success()?;
    Ok(())
}
