//! The distribution's git, by repository: a fetch and a push of what is listed, and nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, client, store, wait};

use super::{Ground, PATIENCE, is_refused};

/// Whoever runs it, without the machine's own settings.
fn git_at(directory: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(directory)
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["GIT_AUTHOR", "GIT_COMMITTER"] {
        git.env(format!("{who}_NAME"), "Alice")
            .env(format!("{who}_EMAIL"), "alice@example.org");
    }
    git
}

fn done(git: &mut Command) -> Result<()> {
    let done = git.output().context("git is missing: run tests/run")?;
    ensure!(done.status.success(), "{done:?}");
    Ok(())
}

impl Ground {
    /// A repository at this path, with one file in it.
    fn repository(&self, path: &str) -> Result<()> {
        let here = self.folder.path();
        let (at, work) = (self.at(path), self.at("work"));
        done(git_at(here).args(["init", "--quiet", "--bare", "-b", "main", &at]))?;
        done(git_at(here).args(["clone", "--quiet", &at, &work]))?;
        fs::write(self.at("work/file"), "first")?;
        done(git_at(Path::new(&work)).args(["add", "file"]))?;
        done(git_at(Path::new(&work)).args(["commit", "--quiet", "-m", "first"]))?;
        done(git_at(Path::new(&work)).args(["push", "--quiet", "origin", "HEAD:main"]))?;
        fs::remove_dir_all(work)?;
        Ok(())
    }

    fn git(&self, directory: &str, words: &[&str]) -> Result<Answer> {
        let script = self.folder.path().join("ssh-of-git");
        fs::write(
            &script,
            format!("#!/bin/sh\nexec {} \"$@\"\n", self.ssh_words()?),
        )?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
        let mut git = git_at(&self.folder.path().join(directory));
        git.args(words)
            .env("GIT_SSH", script)
            .env("GIT_SSH_VARIANT", "ssh")
            .envs(self.site.ssh("alice+db01").variables());
        client::run(&mut git, &[], PATIENCE)
    }
}

/// F1: clone, fetch and push of the repository that is listed; another one, one behind a link, the other way and `git archive` are refused
/// in words. Each way has a receipt.
#[test]
fn f1_git_reads_and_writes_the_repositories_that_are_listed() -> Result<()> {
    let ground = Ground::start(&[
        "git-read: @/in/*.git",
        "git-read: @/in/dépôt",
        "git-write: @/in/app.git",
    ])?;
    ground.repository("in/app.git")?;
    ground.repository("in/other.git")?;
    ground.repository("out/hidden.git")?;
    ground.repository("in/dépôt")?;
    symlink("../out/hidden.git", ground.at("in/linked.git"))?;
    let url = |path: &str| format!("alice+db01@gw:{}", ground.at(path));
    for (path, to) in [
        ("in/app.git", "app"),
        ("in/other", "other"),
        ("in/dépôt", "accent"),
    ] {
        ground
            .git("here", &["clone", "--quiet", &url(path), to])?
            .success()?;
        ensure!(fs::read(ground.at(&format!("here/{to}/file")))? == b"first");
    }
    let app = ground.folder.path().join("here/app");
    fs::write(app.join("file"), "second")?;
    done(git_at(&app).args(["commit", "--quiet", "-am", "second"]))?;
    ground
        .git("here/app", &["push", "--quiet", "origin", "HEAD:main"])?
        .success()?;
    done(git_at(&ground.folder.path().join("in/app.git")).args(["cat-file", "-e", "main:file"]))?;
    let pushed = git_at(&ground.folder.path().join("in/app.git"))
        .args(["show", "main:file"])
        .output()?;
    ensure!(pushed.stdout == b"second");
    ground.git("here/app", &["pull", "--quiet"])?.success()?;

    let root = ground.root()?.display().to_string();
    let refused = |words: &[&str], missing: &str| -> Result<()> {
        let answer = ground.git("here", words)?;
        is_refused(&answer, &missing.replace('@', &root))
    };
    refused(
        &["clone", &url("out/hidden.git"), "x"],
        "git-read: @/out/hidden.git",
    )?;
    refused(
        &["clone", &url("in/linked.git"), "x"],
        "git-read: @/in/linked.git",
    )?;
    refused(
        &["clone", &url("in/../out/hidden"), "x"],
        "git-read: @/in/../out/hidden",
    )?;
    refused(&["clone", &url("in/nothing.git"), "x"], "no repository")?;
    refused(
        &["-C", "other", "push", "origin", "HEAD:main"],
        "git-write: @/in/other",
    )?;
    refused(
        &[
            "archive",
            &format!("--remote={}", url("in/app.git")),
            "main",
        ],
        "git archive",
    )?;
    ensure!(!fs::exists(ground.at("here/x"))?);
    let receipts = wait::until("five receipts", PATIENCE, || {
        let all = store::audit(&ground.site, "receipt")?;
        Ok((all.len() >= 5).then_some(all))
    })?;
    let ways: Vec<_> = receipts
        .iter()
        .map(|one| one["detail"]["way"].clone())
        .collect();
    ensure!(ways == ["out", "out", "out", "in", "out"], "{ways:?}");
    ensure!(
        receipts[3]["detail"]["protocol"] == "git",
        "{:?}",
        receipts[3]
    );
    ensure!(receipts[3]["detail"]["path"] == format!("{root}/in/app.git"));
    Ok(())
}
