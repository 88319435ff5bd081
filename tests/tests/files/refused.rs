//! What no line lists: refused in words, with nothing on disk and nothing in the stream that is not the protocol's.

use std::fs;

use anyhow::{Result, ensure};
use ecluse_tests::{store, wait};

use super::{ALL, Ground, PATIENCE, is_refused, said};

/// F1: each way out of what is listed, by `sftp`; the words name the line by the path that was typed.
#[test]
fn f1_no_way_leads_out_of_what_is_listed() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let root = ground.root()?.display().to_string();
    fs::write(ground.at("here/mine"), "mine")?;
    for (command, line) in [
        ("get @/out/secret @/here/got", "sftp-read: @/out/secret"),
        ("get @/in/link @/here/got", "sftp-read: @/in/link"),
        (
            "get @/in/link-dir/secret @/here/got",
            "sftp-read: @/in/link-dir/secret",
        ),
        (
            "get @/in/../out/secret @/here/got",
            "sftp-read: @/in/../out/secret",
        ),
        (
            "get /proc/self/root@/out/secret @/here/got",
            "sftp-read: /proc/self/root@/out/secret",
        ),
        ("put @/here/mine @/out/mine", "sftp-write: @/out/mine"),
        (
            "put @/here/mine @/in/link-dir/mine",
            "sftp-write: @/in/link-dir/mine",
        ),
        ("rename @/in/file @/out/file", "sftp-rename: @/out/file"),
        (
            "rename @/out/secret @/in/secret",
            "sftp-rename: @/out/secret",
        ),
        ("ln @/out/secret @/in/second", "sftp-"),
        ("ln -s @/out/secret @/in/third", "sftp-"),
        ("rm @/out/secret", "sftp-delete: @/out/secret"),
        ("rmdir @/out", "sftp-delete: @/out"),
        ("mkdir @/out/new", "sftp-mkdir: @/out/new"),
        ("ls @/out", "sftp-list: @/out"),
        ("chmod 777 @/out/secret", "sftp-write: @/out/secret"),
    ] {
        let answer = ground.sftp(&format!("{command}\n"))?;
        // A client that looks before it opens reads which lines would let it look: that of reading is the first.
        let line = line.replace('@', &root);
        let path = line
            .split_once(": ")
            .map_or(line.as_str(), |(_, path)| path);
        is_refused(&answer, path)?;
        if command.starts_with("get @/out") {
            ensure!(
                said(&answer).contains("sftp-read: ") && said(&answer).contains("only the client"),
                "{command}: {answer:?}"
            );
        }
        ensure!(
            said(&answer).contains("not part of this intervention"),
            "{command}: {answer:?}"
        );
    }
    // What `ls` of a link shows when it may not go there is the link.
    let link = ground.sftp("ls @/in/link-dir\n")?;
    ensure!(
        said(&link).contains("sftp-list: ") && !link.text().contains("secret"),
        "{link:?}"
    );
    let names = |path: &str| -> Result<usize> { Ok(fs::read_dir(ground.at(path))?.count()) };
    ensure!(names("out")? == 1 && names("in")? == 4 && names("here")? == 1);
    ensure!(ground.holds("out/secret")? == b"secret");
    // What was refused is on record, and the session goes on: what is listed still passes.
    wait::until_true("the refusals on record", PATIENCE, || {
        let refused = store::audit(&ground.site, "flow-refused")?;
        let names = |record: &serde_json::Value| {
            record["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("/out/secret"))
        };
        Ok(refused.iter().any(names))
    })?;
    ground.sftp("get @/in/file @/here/file\n")?.success()?;
    Ok(())
}

/// F1: each right alone: what needs another is refused.
#[test]
fn f1_each_right_gives_itself_alone() -> Result<()> {
    let ground = Ground::start(&["read"])?;
    fs::write(ground.at("here/mine"), "mine")?;
    ground.sftp("get @/in/file @/here/file\n")?.success()?;
    ensure!(ground.holds("here/file")? == ground.holds("in/file")?);
    for (command, right) in [
        ("put @/here/mine @/in/mine", "write"),
        ("put @/here/mine @/in/file", "write"),
        ("ls @/in", "list"),
        ("rm @/in/file", "delete"),
        ("rename @/in/file @/in/other", "rename"),
        ("mkdir @/in/new", "mkdir"),
        ("chmod 777 @/in/file", "write"),
    ] {
        let answer = ground.sftp(&format!("{command}\n"))?;
        is_refused(&answer, &format!("sftp-{right}: "))?;
    }
    ensure!(fs::read_dir(ground.at("in"))?.count() == 4);
    Ok(())
}

/// F2: without any line of files nothing is dialled, and both programs show which line is missing and how to see what there is.
#[test]
fn f2_without_any_line_the_protocol_itself_says_why() -> Result<()> {
    let ground = Ground::start(&[])?;
    for answer in [
        ground.sftp("ls\n")?,
        ground.scp(&[], ":in/file", "here/got")?,
        ground.scp(&[], "in/file", ":in/sent")?,
    ] {
        is_refused(&answer, "Missing: sftp-read (to get), sftp-write (to put)")?;
        ensure!(
            said(&answer).contains("alice@127.0.0.1 flows"),
            "{answer:?}"
        );
        ensure!(
            !said(&answer).contains("Received message too long"),
            "{answer:?}"
        );
    }
    ensure!(
        fs::read_dir(ground.at("here"))?.count() == 0
            && fs::read_dir(ground.at("in"))?.count() == 4
    );
    Ok(())
}
