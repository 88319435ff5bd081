//! Trees by programs of the target's: rsync and git, judged by the paths of their command lines. F1, R1, P10.
//!
//! The target is a real sshd with the distribution's programs. Each test has a folder of its own: `in` is what the matrix lists, `out` stands
//! beside it, and links lead from the one to the other.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Site, Ssh, client, payload};
use tempfile::TempDir;

mod git;
mod rsync;

const PATIENCE: Duration = Duration::from_secs(90);

/// A site whose matrix lists programs that read and write trees, and the trees.
struct Ground {
    site: Site,
    folder: TempDir,
}

impl Ground {
    /// A site where alice may do what `lines` say, in which `@` is the folder, and run `true`.
    fn start(lines: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = fs::canonicalize(folder.path())?;
        for name in ["in/dir", "out", "here"] {
            fs::create_dir_all(root.join(name))?;
        }
        fs::write(root.join("in/dir/small"), "small")?;
        fs::write(root.join("in/one"), "one")?;
        fs::write(root.join("out/secret"), "secret")?;
        symlink("../out", root.join("in/link-dir"))?;
        symlink("../out/secret", root.join("in/link"))?;
        let allow = allow(&root, lines);
        let site = Site::start_with(|plan| {
            plan.documents.flow("dba")?.allow = allow;
            Ok(())
        })?;
        site.proven("alice", "db01")?;
        Ok(Self { site, folder })
    }

    fn root(&self) -> Result<PathBuf> {
        Ok(fs::canonicalize(self.folder.path())?)
    }

    fn at(&self, path: &str) -> String {
        self.folder.path().join(path).display().to_string()
    }

    /// `ssh` as alice, without where it goes, as a shell reads it.
    fn ssh_words(&self) -> Result<String> {
        words(&self.site.ssh("alice+db01"))
    }

    /// What rsync says to two places; one on the target begins with `:`.
    fn rsync(&self, flags: &[&str], from: &str, to: &str) -> Result<Answer> {
        client::run(&mut self.rsync_command(flags, from, to)?, &[], PATIENCE)
    }

    fn rsync_command(&self, flags: &[&str], from: &str, to: &str) -> Result<Command> {
        let place = |place: &str| match place.strip_prefix(':') {
            Some(path) => format!("alice+db01@gw:{}", self.at(path)),
            None => self.at(place),
        };
        let mut rsync = Command::new("rsync");
        rsync
            .args(["-e", &self.ssh_words()?])
            .args(flags)
            .args([place(from), place(to)])
            .envs(self.site.ssh("alice+db01").variables());
        Ok(rsync)
    }

    /// Everything below a folder.
    fn tree(&self, path: &str) -> Result<BTreeMap<OsString, String>> {
        let mut found = BTreeMap::new();
        walk(&self.folder.path().join(path), Path::new(""), &mut found)?;
        Ok(found)
    }

    /// Nothing stands in `out` but what did.
    fn is_unharmed(&self) -> Result<()> {
        let names = fs::read_dir(self.folder.path().join("out"))?.count();
        ensure!(names == 1 && fs::read(self.at("out/secret"))? == b"secret");
        Ok(())
    }
}

fn allow(root: &Path, lines: &[&str]) -> Vec<String> {
    let root = root.display().to_string();
    let mut allow: Vec<String> = lines.iter().map(|line| line.replace('@', &root)).collect();
    allow.push("command: true".to_owned());
    allow
}

/// Names, each with the digest of a file, where a link points, or that it is a directory.
fn walk(root: &Path, below: &Path, found: &mut BTreeMap<OsString, String>) -> Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let kind = entry.file_type()?;
        let what = if kind.is_dir() {
            walk(root, &path, found)?;
            "directory".to_owned()
        } else if kind.is_symlink() {
            format!("link {}", fs::read_link(root.join(&path))?.display())
        } else {
            payload::digest(&fs::read(root.join(&path))?)
        };
        found.insert(path.into_os_string(), what);
    }
    Ok(())
}

/// A folder of 2,000 files, with every kind of name that a file can have.
fn plant(folder: &Path) -> Result<()> {
    let odd: [&[u8]; 8] = [
        "été".as_bytes(),
        b"a b",
        b"line\nbreak",
        b"caf\xe9",
        b"-rf",
        b"it's $(id) `id` \"x\" \\",
        b"*",
        b" end ",
    ];
    for number in 0..2_000_usize {
        let odd = |nth: usize| odd.get(nth % odd.len()).copied().unwrap_or_default();
        let directory = folder.join(OsStr::from_bytes(odd(number / 8)));
        fs::create_dir_all(&directory)?;
        let name = [odd(number), format!(".{number}").as_bytes()].concat();
        let bytes = format!("{number} ").repeat(number % 97);
        fs::write(directory.join(OsStr::from_bytes(&name)), bytes)?;
    }
    symlink("a b", folder.join("inner-link"))?;
    Ok(())
}

/// `ssh` and its options as a shell reads them, without where it goes.
fn words(ssh: &Ssh) -> Result<String> {
    let mut words = ssh.arguments();
    words.pop();
    let quoted = |word: &OsString| Some(format!("'{}'", word.to_str()?));
    let words: Option<Vec<String>> = words.iter().map(quoted).collect();
    Ok(words.context("a path that is no text")?.join(" "))
}

fn said(answer: &Answer) -> String {
    let words: Vec<&str> = answer.errors.split_whitespace().collect();
    words.join(" ")
}

fn is_refused(answer: &Answer, words: &str) -> Result<()> {
    ensure!(answer.status != Some(0), "{answer:?}");
    ensure!(said(answer).contains(words), "{words}: {answer:?}");
    Ok(())
}
